# The registry of the Windows stand-in, below HKLM:\; a part of WindowsStandIn.psm1. State in windows.json: registry
# (key -> name -> value), pendingMarks (keys, or values as key\name, that tell of a pending restart), arriving (what an
# installer that has returned still writes: key -> looks, values).

$FirewallPolicy = 'HKLM:\SYSTEM\CurrentControlSet\services\SharedAccess\Parameters\FirewallPolicy'
$FirewallProfileKeys = 'DomainProfile', 'PublicProfile', 'StandardProfile' | ForEach-Object { "$FirewallPolicy\$_" }

# Returns the values of a key of the state, or nothing if there is no such key. Names of keys and values ignore case.
function Find-RegistryKey {
    [CmdletBinding()]
    param(
        $State,
        [string] $Path
    )
    if ($Path -notlike 'HKLM:\*') { throw "This stand-in has HKLM:\ alone, not $Path" }
    $key = @($State.registry.Keys | Where-Object { $_ -eq $Path })[0]
    if (-not $key -and $Path -in $FirewallProfileKeys) {
        $key = $Path
        $State.registry[$key] = @{}
    }
    if ($key) { $State.registry[$key] }
}

# Each look at a key that an installer still writes brings it nearer.
function Test-RegistryKey {
    [CmdletBinding()]
    param([string] $Path)
    $state = Read-Windows
    if ($state.arriving.ContainsKey($Path)) {
        Edit-Windows {
            param($State)
            if ($State.arriving[$Path].looks-- -gt 1) { return }
            $State.registry[$Path] = $State.arriving[$Path].values
            $State.arriving.Remove($Path)
        }
        return $false
    }
    $Path -in @($state.pendingMarks) -or $null -ne (Find-RegistryKey $state $Path)
}

# The client of Configuration Manager, which few servers have.
function Invoke-CimMethod {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Namespace,

        [Parameter(Mandatory)]
        [string] $ClassName,

        [Parameter(Mandatory)]
        [string] $MethodName
    )
    if ("$ClassName.$MethodName" -notin @((Read-Windows).pendingMarks)) {
        return $PSCmdlet.WriteError((New-Error "Invalid namespace $Namespace"))
    }
    [pscustomobject]@{ RebootPending = $true; IsHardRebootPending = $false; ReturnValue = 0 }
}

function Write-NoSuchKey {
    [CmdletBinding()]
    param(
        $Cmdlet,
        [string] $Path
    )
    $full = $Path -replace '^HKLM:', 'HKEY_LOCAL_MACHINE'
    $Cmdlet.WriteError((New-Error "Cannot find path '$full' because it does not exist."))
}

function Get-ItemProperty {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath,

        [Parameter(Mandatory)]
        [string] $Name
    )
    $state = Read-Windows
    if ("$LiteralPath\$Name" -in @($state.pendingMarks)) { return [pscustomobject]@{ $Name = @('\??\C:\a', '') } }
    $values = Find-RegistryKey $state $LiteralPath
    if ($null -eq $values) { return Write-NoSuchKey $PSCmdlet $LiteralPath }
    $found = @($values.Keys | Where-Object { $_ -eq $Name })
    if ($found.Count -eq 0) {
        return $PSCmdlet.WriteError((New-Error "Property $Name does not exist at path $LiteralPath." 'InvalidArgument'))
    }
    [pscustomobject]@{ $found[0] = $values[$found[0]]; PSPath = "Microsoft.PowerShell.Core\Registry::$LiteralPath" }
}

function New-ItemProperty {
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'PropertyType')]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        $Value,

        [Parameter(Mandatory)]
        [ValidateSet('DWord')]
        [string] $PropertyType,

        [switch] $Force
    )
    $state = Read-Windows
    $values = Find-RegistryKey $state $LiteralPath
    if ($null -eq $values) { return Write-NoSuchKey $PSCmdlet $LiteralPath }
    if ($values.ContainsKey($Name) -and -not $Force) {
        return $PSCmdlet.WriteError((New-Error 'The property already exists.' 'ResourceExists'))
    }
    $values[$Name] = [int] $Value
    Write-Windows $state
    Get-ItemProperty -LiteralPath $LiteralPath -Name $Name
}

function Remove-ItemProperty {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath,

        [Parameter(Mandatory)]
        [string] $Name
    )
    $state = Read-Windows
    $values = Find-RegistryKey $state $LiteralPath
    if ($null -eq $values -or -not $values.ContainsKey($Name)) {
        return $PSCmdlet.WriteError((New-Error "Property $Name does not exist at path $LiteralPath." 'InvalidArgument'))
    }
    $values.Remove($Name)
    Write-Windows $state
}
