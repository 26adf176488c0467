<#
.SYNOPSIS
Reads and sets component states of the Exchange stand-in as a script does, and prints the results.
.DESCRIPTION
Runs on ex1 of an organisation with ex1 and ex2. Prints one JSON object: name of the attempt -> its result.
test_component_states.py says what each shows.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
$results = [ordered]@{}

# Returns the error of Set-ServerComponentState on ex1, with these parameters beside or instead of the usual ones.
function Get-Failure {
    [CmdletBinding()]
    param([hashtable] $Change)
    $parameters = @{
        Identity  = 'ex1'
        Component = 'OwaProxy'
        State     = 'Inactive'
        Requester = 'Maintenance'
    }
    foreach ($key in $Change.Keys) {
        if ($null -eq $Change[$key]) { $parameters.Remove($key) } else { $parameters[$key] = $Change[$key] }
    }
    $Error.Clear()
    try {
        Set-ServerComponentState @parameters 2>$null
    } catch {
        $null = $_
    }
    "$(@($Error)[0])"
}

function Get-State {
    $all = [ordered]@{}
    Get-ServerComponentState -Identity ex1 | ForEach-Object { $all[$_.Component] = $_.State }
    $all
}

$endpoint = @{
    ConfigurationName = 'Microsoft.Exchange'
    ConnectionUri     = 'http://ex1.corp.example/PowerShell/'
    Authentication    = 'Kerberos'
}
$session = New-PSSession @endpoint
Import-PSSession $session -AllowClobber | Out-Null
$results['no requester'] = Get-Failure @{ Requester = $null }
$results['other requester'] = Get-Failure @{ Requester = 'Me' }
$results['other state'] = Get-Failure @{ State = 'Offline' }
$results['other component'] = Get-Failure @{ Component = 'Owa' }
$results['other server'] = Get-Failure @{ Identity = 'ex9' }
$results['untouched'] = Get-State
Set-ServerComponentState ex1 -Component owaproxy -State Inactive -Requester HealthAPI
Set-ServerComponentState ex1 -Component OwaProxy -State Active -Requester Maintenance
Set-ServerComponentState ex1 -Component HubTransport -State Draining -Requester Maintenance
$results['marked'] = Get-State
$marks = @((Get-ServerComponentState -Identity ex1 -Component OwaProxy).LocalStates)
$results['marks'] = @($marks | ForEach-Object { "$($_.Requester)=$($_.State)" } | Sort-Object)
Set-ServerComponentState ex1 -Component EwsProxy -State Inactive -Requester Maintenance -LocalOnly
Set-ServerComponentState ex1 -Component EcpProxy -State Inactive -Requester Maintenance -RemoteOnly
$results['apart'] = Get-State
$results['kept apart'] = @('EwsProxy', 'EcpProxy' | ForEach-Object {
        $found = Get-ServerComponentState -Identity ex1 -Component $_
        "$_ local=$(@($found.LocalStates).Count) remote=$(@($found.RemoteStates).Count)"
    })
$results['both at once'] = Get-Failure @{
    State      = 'Active'
    Requester  = 'HealthAPI'
    LocalOnly  = $true
    RemoteOnly = $true
}
Set-ServerComponentState ex1 -Component ServerWideOffline -State Inactive -Requester Maintenance
$results['offline'] = Get-State
Restart-Service -Name W3SVC 3>$null
$results['after the restart'] = Get-Failure @{ State = 'Active'; Requester = 'HealthAPI' }
Remove-PSSession $session
ConvertTo-Json $results
