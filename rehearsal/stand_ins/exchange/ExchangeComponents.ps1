# Get-ServerComponentState and Set-ServerComponentState of the Exchange stand-in. State: components in the server's
# file, component -> local (the registry) and remote (Active Directory) -> requester -> state.

$Requesters = 'HealthAPI', 'Maintenance', 'Sidelined', 'Functional', 'Deployment'
$ComponentStates = 'Active', 'Inactive', 'Draining'
# These components stay active when the whole server is offline.
$AlwaysOn = 'Monitoring', 'RecoveryActionsEnabled'

# Returns the worst state that a requester set for the component or, unless it is always on, for the whole server.
function Get-EffectiveState {
    [CmdletBinding()]
    param(
        $Components,
        [string] $Name
    )
    $marks = @($Components[$Name].Values | ForEach-Object { $_.Values })
    if ($Name -notin $AlwaysOn) {
        $ofServer = @($Components['ServerWideOffline'].Values | ForEach-Object { $_.Values })
        $marks += @($ofServer | Where-Object { $_ -eq 'Inactive' })
    }
    if ('Inactive' -in $marks) { 'Inactive' } elseif ('Draining' -in $marks) { 'Draining' } else { 'Active' }
}

function Find-ComponentServer {
    [CmdletBinding()]
    param($Bound)
    $wanted = "$($Bound['Identity'])"
    @(Read-Servers $wanted | Where-Object { $_.name -eq $wanted -or $_.fqdn -eq $wanted })[0]
}

function Get-ComponentItem {
    [CmdletBinding()]
    param(
        $Bound,
        [string] $DomainController
    )
    $server = Find-ComponentServer $Bound
    if (-not $server) {
        return Out-NotFound "$($Bound['Identity'])" $DomainController
    }
    $names = @($server.components.Keys)
    if ($Bound['Component']) { $names = @($names | Where-Object { $_ -eq $Bound['Component'] }) }
    if ($names.Count -eq 0) {
        return Out-Error "The component '$($Bound['Component'])' is not found on server '$($server.fqdn)'."
    }
    foreach ($name in $names) {
        $local = @(Get-RemoteMark $server $name 'local')
        $remote = @(Get-RemoteMark $server $name 'remote')
        Out-Object (New-RemoteObject 'ServerComponentState' $server $DomainController ([ordered]@{
            ServerFqdn   = $server.fqdn
            Component    = $name
            State        = Get-EffectiveState $server.components $name
            LocalStates  = [System.Collections.ArrayList] $local
            RemoteStates = [System.Collections.ArrayList] $remote
        }))
    }
}

function Get-RemoteMark {
    [CmdletBinding()]
    param(
        $Server,
        [string] $Component,
        [string] $Place
    )
    $kept = $Server.components[$Component][$Place]
    foreach ($requester in $kept.Keys) {
        $mark = [pscustomobject]@{
            Component = $Component
            Requester = $requester
            State     = $kept[$requester]
            Timestamp = [datetime]::UtcNow
        }
        $mark.PSObject.TypeNames.Insert(0, 'Deserialized.Microsoft.Exchange.Data.Directory.ServerComponentStateEntry')
        $mark
    }
}

function Set-ComponentItem {
    [CmdletBinding()]
    param(
        $Bound,
        [string] $DomainController
    )
    if ($Bound['State'] -notin $ComponentStates) {
        $failure = @{
            Stream = 'Terminating'
            Id     = 'ParameterArgumentTransformationError'
            Text   = "Cannot process argument transformation on parameter 'State'. " +
            "Cannot convert value `"$($Bound['State'])`" to type `"Microsoft.Exchange.Data.ServiceState`"."
        }
        return Out-Error @failure
    }
    if ($Bound['Requester'] -notin $Requesters) {
        return Out-Error ("The requester '$($Bound['Requester'])' is not valid. " +
            "Valid requesters are: $($Requesters -join ', ').")
    }
    if ($Bound['LocalOnly'] -and $Bound['RemoteOnly']) {
        return Out-Error "You can't use the LocalOnly and RemoteOnly parameters together."
    }
    if ($Bound.ContainsKey('Confirm') -and $Bound['Confirm']) { return Out-Prompt }
    $server = Find-ComponentServer $Bound
    if (-not $server) {
        return Out-NotFound "$($Bound['Identity'])" $DomainController
    }
    $name = @($server.components.Keys | Where-Object { $_ -eq $Bound['Component'] })[0]
    if (-not $name) {
        return Out-Error "The component '$($Bound['Component'])' is not valid on server '$($server.fqdn)'."
    }
    $fault = Find-Fault $server 'Set-ServerComponentState'
    if ($fault) {
        if ($null -ne $fault.message) { Out-Error $fault.message }
        return
    }
    if ($Bound.ContainsKey('WhatIf') -and $Bound['WhatIf']) { return }
    foreach ($place in @(if (-not $Bound['RemoteOnly']) { 'local' }) + @(if (-not $Bound['LocalOnly']) { 'remote' })) {
        # The state file keeps Exchange's own spelling.
        $requester = @($Requesters -eq $Bound['Requester'])[0]
        $server.components[$name][$place][$requester] = @($ComponentStates -eq $Bound['State'])[0]
    }
    Write-Json (Get-ServerFile $server.name) $server
}
