# The registry of the Windows stand-in, below HKLM:\; a part of WindowsStandIn.psm1. State: registry in windows.json,
# key -> name -> value.

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
    $values = Find-RegistryKey (Read-Windows) $LiteralPath
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
