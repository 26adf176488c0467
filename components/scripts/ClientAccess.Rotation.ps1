# Brings this server into rotation; and what both directions use. docs/decisions/0008 explains the order of the steps.

function New-RotationReport {
    [ordered]@{
        server          = $env:COMPUTERNAME
        exchangeVersion = $null
        inRotation      = $null
        done            = $false
        drainedSeconds  = 0
        components      = [ordered]@{}
        restarted       = [string[]]@()
        health          = [ordered]@{}
        closedPorts     = [ordered]@{ rejected = $null; changed = [string[]]@(); note = $null }
        skipped         = [ordered]@{}
    }
}

function Connect-ForRotation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document
    )
    Connect-Exchange -Document $Document -Cmdlet $ComponentCmdlets
}

# Sets Active what the requester Maintenance holds, as that requester; then waits until every service is healthy.
function Enter-Rotation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $table = Get-NamespaceServiceTable -ExchangeVersion $Document.ExchangeVersion
    $exchange = Connect-ForRotation $Document
    try {
        foreach ($service in $Document.Names.Keys) {
            $reason = Get-SkipReason -Exchange $exchange -Service $table[$service]
            if ($reason) {
                $Report['skipped'][$service] = $reason
                Write-Note "${service}: not probed. $reason."
            }
        }
        Enable-Component -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    $probed = @($Document.Names.Keys | Where-Object { -not $Report['skipped'].Contains($_) })
    $unhealthy = @(Wait-Healthy -Document $Document -Table $table -Service $probed -Report $Report)
    if ($unhealthy.Count -eq 0) { return }
    $reasons = @($unhealthy | ForEach-Object { "${_}: $($Report['health'][$_] -join '; ')" })
    $components = @('ServerWideOffline') + @($unhealthy | ForEach-Object { $table[$_].Component })
    $reasons += @(Get-HeldReason -Document $Document -Report $Report -Name $components)
    Stop-Run -ExitCode $RunExitCode.Unhealthy -Message (
        "$env:COMPUTERNAME did not become healthy within $($Document.HealthSeconds) s. " +
        'Its address is not added to DNS. ' +
        "An address that DNS has already stays there; inRotation: false removes it:`n  " + ($reasons -join "`n  ")
    )
}

# Starts with ServerWideOffline: while it is Inactive, every other component is, too, whatever its own marks are.
function Enable-Component {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $states = Read-ReportedState -Exchange $Exchange -Report $Report
    foreach ($name in 'ServerWideOffline', 'UMCallRouter', 'HubTransport') {
        if (-not $states.ContainsKey($name) -or -not (Test-HeldByMaintenance $states[$name])) { continue }
        $states = Read-ReportedState -Exchange $Exchange -Report $Report -After {
            Set-ComponentState -Exchange $Exchange -Name $name -State 'Active'
            if ($DrainedComponents[$name]) { Restart-ServerService -Name $DrainedComponents[$name] -Report $Report }
        }
    }
    $heldComponents = @($Report['components'].Keys | Where-Object {
            $null -ne $states[$_].Marks -and (Test-HeldByMaintenance $states[$_])
        })
    if ($heldComponents.Count -gt 0) { Stop-Disagreement 'Active' $heldComponents $states }
}

# Returns a sentence for each component that a requester holds down.
function Get-HeldReason {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        [string[]] $Name
    )
    # The gate has failed already; an error while explaining it must not replace that failure.
    try {
        $exchange = Connect-ForRotation $Document
        try {
            $states = Read-ComponentState -Exchange $exchange
            Add-ComponentReport -Report $Report -States $states
            Get-HeldSentence -Components $states -Name $Name
        } finally {
            Disconnect-Exchange -Exchange $exchange | Out-Null
        }
    } catch {
        "The states of the components could not be read: $($_.Exception.Message)"
    }
}

function Stop-Disagreement {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $State,

        [Parameter(Mandatory)]
        [string[]] $Name,

        [Parameter(Mandatory)]
        [hashtable] $States
    )
    $readBack = @($Name | ForEach-Object { "$_ ($($States[$_].State))" }) -join ', '
    Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
        "Exchange on $env:COMPUTERNAME accepted the state $State, but now reports another one: $readBack. " +
        'Run this again; if that does not help, run Set-ServerComponentState on that server and read its answer.'
    )
}

# Restarts a service only if it runs: a stopped service stays stopped, and a server without the Mailbox role has no
# MSExchangeTransport.
function Restart-ServerService {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if (-not $service -or "$($service.Status)" -ne 'Running') {
        Write-Note "${Name}: not running here, not restarted."
        return
    }
    $remedy = 'Windows could not restart this service: restart it by hand on that server, then run this again.'
    Invoke-Step -Subject $Name -Remedy $remedy -Step {
        # Warnings ("Waiting for service ...") would go to stdout.
        Restart-Service -Name $Name -Force -WarningAction SilentlyContinue -ErrorAction Stop
    }
    $Report['restarted'] += $Name
    Write-Note "${Name}: restarted."
}
