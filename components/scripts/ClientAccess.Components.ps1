# Reads and sets the states of this server's components. This project sets them as the requester Maintenance.

$ComponentCmdlets = 'Get-ServerComponentState', 'Set-ServerComponentState'

# Components that drain before the whole server goes offline, in Microsoft's order -> the Windows service that must
# restart to notice. Version and roles of the server decide which of them exist.
$DrainedComponents = [ordered]@{ HubTransport = 'MSExchangeTransport'; UMCallRouter = $null }

# From worst to best. A state that is not in the list counts as the worst.
$ComponentStates = 'Inactive', 'Draining', 'Active'

# Returns component -> State (the effective state) and Marks (requester -> its state; $null if they cannot be read).
function Read-ComponentState {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange
    )
    Assert-Imported -Exchange $Exchange -Name $ComponentCmdlets
    $components = @{}
    $parameters = @{ Identity = $Exchange.Server; DomainController = $Exchange.DomainController }
    $remedy = 'The states of the components are unknown: fix the cause until Get-ServerComponentState shows them ' +
    'on that server, then run this again.'
    $reading = @{ Subject = 'Get-ServerComponentState'; Remedy = $remedy }
    $exchangeComponents = @(Invoke-Step @reading -Step { Invoke-ExchangeCmdlet 'Get-ServerComponentState' $parameters })
    foreach ($component in $exchangeComponents) {
        $components["$($component.Component)"] = [pscustomobject]@{
            State = "$($component.State)"
            Marks = Get-RequesterMark $component
        }
    }
    if (-not $components.ContainsKey('ServerWideOffline')) {
        Stop-Run (Get-FailureText @reading -Cause 'it did not return the component ServerWideOffline')
    }
    $components
}

# Returns requester -> state. The registry (local) and Active Directory (remote) each keep a state, and a change with
# -LocalOnly or -RemoteOnly makes them differ; the worse one counts.
function Get-RequesterMark {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Component
    )
    $marks = @{}
    foreach ($source in 'LocalStates', 'RemoteStates') {
        if (-not $Component.PSObject.Properties[$source]) { return $null }
        foreach ($mark in @($Component.$source | Where-Object { $null -ne $_ })) {
            if (-not $mark.PSObject.Properties['Requester'] -or -not $mark.PSObject.Properties['State']) {
                return $null
            }
            $requester = "$($mark.Requester)"
            $state = "$($mark.State)"
            $rank = [array]::IndexOf($ComponentStates, $state)
            $isWorse = $rank -lt [array]::IndexOf($ComponentStates, $marks[$requester])
            if (-not $marks.ContainsKey($requester) -or $isWorse) { $marks[$requester] = $state }
        }
    }
    $marks
}

# Uses the effective state if the marks cannot be read: setting Active changes nothing if Maintenance holds nothing.
function Test-HeldByMaintenance {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Component
    )
    if ($Component.State -eq 'Active') { return $false }
    if ($null -eq $Component.Marks) { return $true }
    $Component.Marks.ContainsKey('Maintenance') -and $Component.Marks['Maintenance'] -ne 'Active'
}

function Set-ComponentState {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [string] $State
    )
    $parameters = @{
        Identity         = $Exchange.Server
        Component        = $Name
        Requester        = 'Maintenance'
        State            = $State
        DomainController = $Exchange.DomainController
        Confirm          = $false
    }
    $remedy = "Set-ServerComponentState failed to set it to ${State}: fix the cause, then run this again, " +
    'which goes on from the states it finds.'
    Invoke-Step -Subject $Name -Remedy $remedy -Step {
        Invoke-ExchangeCmdlet 'Set-ServerComponentState' $parameters | Out-Null
    }
    Write-Note "${Name}: set to $State by the requester Maintenance."
}

# Runs the step, then reads the states and records them, also if the step fails. States that cannot be read are recorded
# as unknown ($null).
function Read-ReportedState {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [scriptblock] $After = {}
    )
    $states = $null
    try {
        & $After | Out-Null
        $states = Read-ComponentState -Exchange $Exchange
    } catch {
        $failure = $_
        try { $states = Read-ComponentState -Exchange $Exchange } catch { $states = $null }
        throw $failure
    } finally {
        Add-ComponentReport -Report $Report -States $states
    }
    $states
}

# Records the states that were read: the first time as those before, each time as those after. $null means unknown.
function Add-ComponentReport {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        [AllowNull()]
        [hashtable] $States
    )
    foreach ($name in @('ServerWideOffline') + @($DrainedComponents.Keys)) {
        $after = if ($null -ne $States -and $States.ContainsKey($name)) { $States[$name].State } else { $null }
        $isReported = $Report['components'].Contains($name)
        if (-not $isReported -and $null -eq $after -and $name -ne 'ServerWideOffline') { continue }
        $before = if ($isReported) { $Report['components'][$name]['before'] } else { $after }
        $changed = if ($null -ne $before -and $null -ne $after) { $before -ne $after } else { $null }
        $Report['components'][$name] = [ordered]@{ before = $before; after = $after; changed = $changed }
    }
}

# Returns "MapiProxy is Inactive: held by HealthAPI (Inactive)" for each named component that is not Active.
function Get-HeldSentence {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [hashtable] $Components,

        [Parameter(Mandatory)]
        [string[]] $Name
    )
    foreach ($componentName in $Name) {
        $component = $Components[$componentName]
        if ($null -eq $component -or $component.State -eq 'Active') { continue }
        $marks = $component.Marks
        $holders = @(if ($null -ne $marks) { $marks.Keys | Where-Object { $marks[$_] -ne 'Active' } | Sort-Object })
        $holderList = @($holders | ForEach-Object { "$_ ($($marks[$_]))" }) -join ', '
        $reason = if ($holderList) { ": held by $holderList, and only that requester can make it Active" }
        "$componentName is $($component.State)$reason"
    }
}
