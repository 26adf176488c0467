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

Export-ModuleMember -Function Get-WebAppPoolState, Restart-WebAppPool
