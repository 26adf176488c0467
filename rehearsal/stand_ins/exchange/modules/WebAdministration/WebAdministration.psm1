# Stand-in of IIS's module: the application pools of the server's file in the organisation. A pool that does not exist is an error.

. (Join-Path $PSScriptRoot '..' '..' 'ExchangeState.ps1')

$fault = Find-Fault (Read-Server $env:COMPUTERNAME) 'WebAdministration'
if ($fault) { throw $fault.message }

function Write-PoolError {
    [CmdletBinding()]
    param(
        $Cmdlet,
        [string] $Text
    )
    $Cmdlet.WriteError((New-Object System.Management.Automation.ErrorRecord((New-Object System.InvalidOperationException $Text), 'AppPool', 'ObjectNotFound', $null)))
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
    if ($state) { [pscustomobject]@{ Value = $state } } else { Write-PoolError $PSCmdlet "Cannot find path 'IIS:\AppPools\$Name' because it does not exist." }
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
    if ($fault) { if ($null -ne $fault.message) { Write-PoolError $PSCmdlet $fault.message }; return }
    if ($state -ne 'Started') { return Write-PoolError $PSCmdlet "You have to start stopped object before restarting it: application pool '$Name' is $state." }
    $windows = Read-Windows
    $windows.recycledAppPools[$Name]++
    Write-Windows $windows
}

Export-ModuleMember -Function Get-WebAppPoolState, Restart-WebAppPool
