# Component states on ex1 of an organisation with ex1 and ex2, as a script meets them. Prints one JSON object: name -> what came of it.

$ErrorActionPreference = 'Stop'
$results = [ordered]@{}
function Get-Failure([hashtable] $Parameters) {
    try { $Error.Clear(); Set-ServerComponentState @Parameters 2>$null } catch { }
    "$(@($Error)[0])"
}
function Get-States { $all = [ordered]@{}; Get-ServerComponentState -Identity ex1 | ForEach-Object { $all[$_.Component] = $_.State }; $all }
$uri = 'http://ex1.corp.example/PowerShell/'
$session = New-PSSession -ConfigurationName Microsoft.Exchange -ConnectionUri $uri -Authentication Kerberos
Import-PSSession $session -AllowClobber | Out-Null
$results['no requester'] = Get-Failure @{ Identity = 'ex1'; Component = 'OwaProxy'; State = 'Inactive' }
$results['other requester'] = Get-Failure @{
    Identity  = 'ex1'
    Component = 'OwaProxy'
    State     = 'Inactive'
    Requester = 'Me'
}
$results['other state'] = Get-Failure @{
    Identity  = 'ex1'
    Component = 'OwaProxy'
    State     = 'Offline'
    Requester = 'Maintenance'
}
$results['other component'] = Get-Failure @{
    Identity  = 'ex1'
    Component = 'Owa'
    State     = 'Inactive'
    Requester = 'Maintenance'
}
$results['other server'] = Get-Failure @{
    Identity  = 'ex9'
    Component = 'OwaProxy'
    State     = 'Inactive'
    Requester = 'Maintenance'
}
$results['untouched'] = Get-States
Set-ServerComponentState ex1 -Component owaproxy -State Inactive -Requester HealthAPI
Set-ServerComponentState ex1 -Component OwaProxy -State Active -Requester Maintenance
Set-ServerComponentState ex1 -Component HubTransport -State Draining -Requester Maintenance
$results['marked'] = Get-States
$marks = @((Get-ServerComponentState -Identity ex1 -Component OwaProxy).LocalStates)
$results['marks'] = @($marks | ForEach-Object { "$($_.Requester)=$($_.State)" } | Sort-Object)
Set-ServerComponentState ex1 -Component EwsProxy -State Inactive -Requester Maintenance -LocalOnly
Set-ServerComponentState ex1 -Component EcpProxy -State Inactive -Requester Maintenance -RemoteOnly
$results['apart'] = Get-States
$results['kept apart'] = @('EwsProxy', 'EcpProxy' | ForEach-Object {
        $found = Get-ServerComponentState -Identity ex1 -Component $_
        "$_ local=$(@($found.LocalStates).Count) remote=$(@($found.RemoteStates).Count)"
    })
$results['both at once'] = Get-Failure @{
    Identity   = 'ex1'
    Component  = 'OwaProxy'
    State      = 'Active'
    Requester  = 'HealthAPI'
    LocalOnly  = $true
    RemoteOnly = $true
}
Set-ServerComponentState ex1 -Component ServerWideOffline -State Inactive -Requester Maintenance
$results['offline'] = Get-States
Restart-Service -Name W3SVC 3>$null
$results['after the restart'] = Get-Failure @{
    Identity  = 'ex1'
    Component = 'OwaProxy'
    State     = 'Active'
    Requester = 'HealthAPI'
}
Remove-PSSession $session
ConvertTo-Json $results
