# Stand-in for IIS's module WebAdministration. State: appPools in the server's file, name -> state.

. (Join-Path $PSScriptRoot '..' '..' 'ExchangeState.ps1')

$fault = Find-Fault (Read-Server $env:COMPUTERNAME) 'WebAdministration'
if ($fault) { throw $fault.message }

function Write-PoolError {
    [CmdletBinding()]
    param(
        $Cmdlet,
        [string] $Text
    )
    $record = @((New-Object System.InvalidOperationException $Text), 'AppPool', 'ObjectNotFound', $null)
    $Cmdlet.WriteError((New-Object System.Management.Automation.ErrorRecord $record))
}

function Get-Pool {
    [CmdletBinding()]
    param([string] $Name)
    $server = Read-Server $env:COMPUTERNAME
    if ($server) { $server.appPools[$Name] }
}

function Get-WebAppPoolState {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $Name
    )
    $state = Get-Pool $Name
    if ($state) {
        [pscustomobject]@{ Value = $state }
    } else {
        Write-PoolError $PSCmdlet "Cannot find path 'IIS:\AppPools\$Name' because it does not exist."
    }
}

function Restart-WebAppPool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $Name
    )
    Add-Call 'Restart-WebAppPool' @{ Name = $Name }
    $state = Get-Pool $Name
    if (-not $state) { return Write-PoolError $PSCmdlet "Application pool '$Name' does not exist." }
    $fault = Find-Fault (Read-Server $env:COMPUTERNAME) 'Restart-WebAppPool'
    if ($fault) {
        if ($null -ne $fault.message) { Write-PoolError $PSCmdlet $fault.message }
        return
    }
    if ($state -ne 'Started') {
        $text = "You have to start stopped object before restarting it: application pool '$Name' is $state."
        return Write-PoolError $PSCmdlet $text
    }
    $windows = Read-Windows
    $windows.recycledAppPools[$Name]++
    Write-Windows $windows
}

# Returns the HTTPS bindings of a site. State: bindings in the server's file, site -> binding -> thumbprint.
function Get-WebBinding {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)]
        [string] $Name,

        [string] $Protocol
    )
    if ($Protocol -ne 'https') { throw 'This stand-in knows HTTPS bindings only.' }
    $site = (Read-Server $env:COMPUTERNAME).bindings[$Name]
    foreach ($binding in @(if ($site) { $site.Keys | Sort-Object })) {
        $one = [pscustomobject]@{
            protocol             = 'https'
            bindingInformation   = $binding
            certificateHash      = $site[$binding]
            certificateStoreName = 'My'
            Site                 = $Name
        }
        Add-Member -InputObject $one -MemberType ScriptMethod -Name AddSslCertificate -Value {
            param([string] $Thumbprint, [string] $Store)
            Save-Binding $this.Site $this.bindingInformation $Thumbprint $Store
        }
        $one
    }
}

function Save-Binding {
    [CmdletBinding()]
    param(
        [string] $Site,
        [string] $Binding,
        [string] $Thumbprint,
        [string] $Store
    )
    Add-Call 'AddSslCertificate' @{ Site = $Site; Binding = $Binding; Thumbprint = $Thumbprint }
    $server = Read-Server $env:COMPUTERNAME
    $fault = Find-Fault $server 'AddSslCertificate'
    if ($fault) {
        if ($null -ne $fault.message) { throw $fault.message }
        return
    }
    $found = $server.certificates[$Thumbprint.ToUpperInvariant()]
    if ($Store -ne 'My' -or -not $found -or -not $found.hasPrivateKey) {
        throw 'A specified logon session does not exist. It may already have been terminated. ' +
        '(Exception from HRESULT: 0x80070520)'
    }
    $server.bindings[$Site][$Binding] = $Thumbprint.ToUpperInvariant()
    Write-Json (Get-ServerFile $server.name) $server
}

Export-ModuleMember -Function Get-WebAppPoolState, Restart-WebAppPool, Get-WebBinding
