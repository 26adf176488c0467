# Get-ServerComponentState and Set-ServerComponentState. State: components in the server's file, component -> requester -> state.

$Requesters = 'HealthAPI', 'Maintenance', 'Sidelined', 'Functional', 'Deployment'
$ComponentStates = 'Active', 'Inactive', 'Draining'
# They go on when the whole server is offline.
$AlwaysOn = 'Monitoring', 'RecoveryActionsEnabled'

# A component is as bad as its worst requester says, and no better than the whole server.
function Get-EffectiveState {
    param($Components, [string] $Name)
    $marks = @($Components[$Name].Values)
    if ($Name -notin $AlwaysOn) { $marks += @($Components['ServerWideOffline'].Values | Where-Object { $_ -eq 'Inactive' }) }
    if ('Inactive' -in $marks) { 'Inactive' } elseif ('Draining' -in $marks) { 'Draining' } else { 'Active' }
}

function Find-ComponentServer {
    param($Bound)
    $wanted = "$($Bound['Identity'])"
    @(Read-Servers $wanted | Where-Object { $_.name -eq $wanted -or $_.fqdn -eq $wanted })[0]
}

function Get-ComponentItem {
    param($Bound, [string] $DomainController)
    $server = Find-ComponentServer $Bound
    if (-not $server) { return Out-Error "The operation couldn't be performed because object '$($Bound['Identity'])' couldn't be found on '$DomainController'." }
    $names = @($server.components.Keys)
    if ($Bound['Component']) { $names = @($names | Where-Object { $_ -eq $Bound['Component'] }) }
    if ($names.Count -eq 0) { return Out-Error "The component '$($Bound['Component'])' is not found on server '$($server.fqdn)'." }
    foreach ($name in $names) {
        $marks = @($server.components[$name].Keys | ForEach-Object { ConvertTo-RemoteMark $name $_ $server.components[$name][$_] })
        Out-Object (New-RemoteObject 'ServerComponentState' $server $DomainController ([ordered]@{
                    ServerFqdn = $server.fqdn; Component = $name; State = Get-EffectiveState $server.components $name
                    LocalStates = [System.Collections.ArrayList] $marks; RemoteStates = [System.Collections.ArrayList] $marks
                }))
    }
}

function ConvertTo-RemoteMark {
    param([string] $Component, [string] $Requester, [string] $State)
    $mark = [pscustomobject]@{ Component = $Component; Requester = $Requester; State = $State; Timestamp = [datetime]::UtcNow }
    $mark.PSObject.TypeNames.Insert(0, 'Deserialized.Microsoft.Exchange.Data.Directory.ServerComponentStateEntry')
    $mark
}

function Set-ComponentItem {
    param($Bound, [string] $DomainController)
    if ($Bound['State'] -notin $ComponentStates) {
        return Out-Error -Stream Terminating -Id 'ParameterArgumentTransformationError' -Text "Cannot process argument transformation on parameter 'State'. Cannot convert value `"$($Bound['State'])`" to type `"Microsoft.Exchange.Data.ServiceState`"."
    }
    if ($Bound['Requester'] -notin $Requesters) { return Out-Error "The requester '$($Bound['Requester'])' is not valid. Valid requesters are: $($Requesters -join ', ')." }
    if ($Bound.ContainsKey('Confirm') -and $Bound['Confirm']) { return Out-Prompt }
    $server = Find-ComponentServer $Bound
    if (-not $server) { return Out-Error "The operation couldn't be performed because object '$($Bound['Identity'])' couldn't be found on '$DomainController'." }
    $name = @($server.components.Keys | Where-Object { $_ -eq $Bound['Component'] })[0]
    if (-not $name) { return Out-Error "The component '$($Bound['Component'])' is not valid on server '$($server.fqdn)'." }
    if ($server.faults.ContainsKey('Set-ServerComponentState')) {
        if ($null -ne $server.faults['Set-ServerComponentState']) { Out-Error $server.faults['Set-ServerComponentState'] }
        return
    }
    if ($Bound.ContainsKey('WhatIf') -and $Bound['WhatIf']) { return }
    $server.components[$name][@($Requesters -eq $Bound['Requester'])[0]] = @($ComponentStates -eq $Bound['State'])[0]
    Write-Json (Get-ServerFile $server.name) $server
}
