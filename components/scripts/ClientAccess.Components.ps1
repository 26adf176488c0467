# The states of this server's components, and the requester Maintenance, in whose name this project changes them.

$ComponentCmdlets = 'Get-ServerComponentState', 'Set-ServerComponentState'

# Components that are told to drain before the whole server goes offline, in Microsoft's order, and the Windows service that has to be
# restarted before it notices. Which of them there are depends on the version and the roles.
$DrainedComponents = [ordered]@{ HubTransport = 'MSExchangeTransport'; UMCallRouter = $null }

# From worse to better; a state that is not among them counts as the worst.
$ComponentStates = 'Inactive', 'Draining', 'Active'

# Component -> State (what counts) and Marks (requester -> its state; $null where the session hands back something else).
function Read-ComponentState {
    param([Parameter(Mandatory = $true)] $Exchange)
    Assert-Imported -Exchange $Exchange -Name $ComponentCmdlets
    $components = @{}
    $parameters = @{ Identity = $Exchange.Server; DomainController = $Exchange.DomainController }
    $remedy = 'The states of the components are not known: mend it until Get-ServerComponentState shows them there, then run this again.'
    foreach ($found in @(Invoke-Step -Subject 'Get-ServerComponentState' -Remedy $remedy -Step { Invoke-ExchangeCmdlet 'Get-ServerComponentState' $parameters })) {
        $components["$($found.Component)"] = [pscustomobject]@{ State = "$($found.State)"; Marks = Get-RequesterMark $found }
    }
    if (-not $components.ContainsKey('ServerWideOffline')) {
        Stop-Run (Get-FailureText -Subject 'Get-ServerComponentState' -Said 'ServerWideOffline is not among what it returned' -Remedy $remedy)
    }
    $components
}

# From the server's registry and from Active Directory, which a change with -LocalOnly or -RemoteOnly leaves apart: the worse one counts.
function Get-RequesterMark {
    param([Parameter(Mandatory = $true)] $Found)
    $marks = @{}
    foreach ($source in 'LocalStates', 'RemoteStates') {
        if (-not $Found.PSObject.Properties[$source]) { return $null }
        foreach ($mark in @($Found.$source | Where-Object { $null -ne $_ })) {
            if (-not $mark.PSObject.Properties['Requester'] -or -not $mark.PSObject.Properties['State']) { return $null }
            $requester = "$($mark.Requester)"
            $worse = [array]::IndexOf($ComponentStates, "$($mark.State)") -lt [array]::IndexOf($ComponentStates, $marks[$requester])
            if (-not $marks.ContainsKey($requester) -or $worse) { $marks[$requester] = "$($mark.State)" }
        }
    }
    $marks
}

# Where the marks cannot be read, the state itself has to do: setting Active what Maintenance does not hold changes nothing.
function Test-HeldByMaintenance {
    param([Parameter(Mandatory = $true)] $Component)
    if ($Component.State -eq 'Active') { return $false }
    $null -eq $Component.Marks -or ($Component.Marks.ContainsKey('Maintenance') -and $Component.Marks['Maintenance'] -ne 'Active')
}

function Set-ComponentState {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [string] $State
    )
    $parameters = @{
        Identity = $Exchange.Server; Component = $Name; Requester = 'Maintenance'; State = $State; DomainController = $Exchange.DomainController; Confirm = $false
    }
    $remedy = "Set-ServerComponentState failed to set it to ${State}: mend the cause, then run this again, which goes on from the states it finds."
    Invoke-Step -Subject $Name -Remedy $remedy -Step { Invoke-ExchangeCmdlet 'Set-ServerComponentState' $parameters | Out-Null }
    Write-Note "${Name}: set to $State by the requester Maintenance."
}

# Reads the states and records them; after a step that changes them whether that fails or not, and then what cannot be read is known to nobody.
function Read-ReportedState {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [scriptblock] $After = {}
    )
    $state = $null
    try {
        & $After | Out-Null
        $state = Read-ComponentState -Exchange $Exchange
    } catch {
        $failure = $_
        try { $state = Read-ComponentState -Exchange $Exchange } catch { $state = $null }
        throw $failure
    } finally {
        Add-ComponentReport -Report $Report -State $state
    }
    $state
}

# Records what was read: the first time as the states before, and always as those after. $null: nobody knows.
function Add-ComponentReport {
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [Parameter(Mandatory = $true)] [AllowNull()] [hashtable] $State
    )
    foreach ($name in @('ServerWideOffline') + @($DrainedComponents.Keys)) {
        $now = if ($null -ne $State -and $State.ContainsKey($name)) { $State[$name].State } else { $null }
        $known = $Report['components'].Contains($name)
        if (-not $known -and $null -eq $now -and $name -ne 'ServerWideOffline') { continue }
        $before = if ($known) { $Report['components'][$name]['before'] } else { $now }
        $changed = if ($null -ne $before -and $null -ne $now) { $before -ne $now } else { $null }
        $Report['components'][$name] = [ordered]@{ before = $before; after = $now; changed = $changed }
    }
}

# "MapiProxy is Inactive: held by HealthAPI (Inactive)", of what is not Active among the named components.
function Get-HeldSentence {
    param(
        [Parameter(Mandatory = $true)] [hashtable] $Components,
        [Parameter(Mandatory = $true)] [string[]] $Name
    )
    foreach ($one in $Name) {
        if (-not $Components.ContainsKey($one) -or $Components[$one].State -eq 'Active') { continue }
        $marks = $Components[$one].Marks
        $holders = @(if ($null -ne $marks) { $marks.Keys | Where-Object { $marks[$_] -ne 'Active' } | Sort-Object | ForEach-Object { "$_ ($($marks[$_]))" } })
        $why = if ($holders.Count -gt 0) { ": held by $($holders -join ', '), and only that requester can make it Active" }
        "$one is $($Components[$one].State)$why"
    }
}
