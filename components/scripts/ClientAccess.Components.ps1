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
    foreach ($found in @(Invoke-ExchangeCmdlet 'Get-ServerComponentState' $parameters)) {
        $components["$($found.Component)"] = [pscustomobject]@{ State = "$($found.State)"; Marks = Get-RequesterMark $found }
    }
    if (-not $components.ContainsKey('ServerWideOffline')) { Stop-Run "Get-ServerComponentState returned no ServerWideOffline for $($Exchange.Server)." }
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
    Invoke-ExchangeCmdlet 'Set-ServerComponentState' @{
        Identity = $Exchange.Server; Component = $Name; Requester = 'Maintenance'; State = $State; DomainController = $Exchange.DomainController; Confirm = $false
    } | Out-Null
    Write-Note "${Name}: set to $State by the requester Maintenance."
}

# Records the states of the components that were read before and after.
function Add-ComponentReport {
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [Parameter(Mandatory = $true)] [hashtable] $Before,
        [Parameter(Mandatory = $true)] [hashtable] $After
    )
    foreach ($name in @('ServerWideOffline') + @($DrainedComponents.Keys)) {
        if (-not $Before.ContainsKey($name) -or -not $After.ContainsKey($name)) { continue }
        # A run that opens several sessions keeps what it met first.
        $first = if ($Report['components'].Contains($name)) { $Report['components'][$name]['before'] } else { $Before[$name].State }
        $Report['components'][$name] = [ordered]@{ before = $first; after = $After[$name].State; changed = $first -ne $After[$name].State }
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
