# Brings this server into rotation and takes it out. docs/decisions/0008 explains the order of the steps.

$RetrySeconds = 180

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
        'Its address is not entered into DNS; ' +
        "if it is there already it still is, and inRotation: false takes it out:`n  " + ($reasons -join "`n  ")
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
    $now = Read-ReportedState -Exchange $Exchange -Report $Report
    foreach ($name in 'ServerWideOffline', 'UMCallRouter', 'HubTransport') {
        if (-not $now.ContainsKey($name) -or -not (Test-HeldByMaintenance $now[$name])) { continue }
        $now = Read-ReportedState -Exchange $Exchange -Report $Report -After {
            Set-ComponentState -Exchange $Exchange -Name $name -State 'Active'
            if ($DrainedComponents[$name]) { Restart-ServerService -Name $DrainedComponents[$name] -Report $Report }
        }
    }
    $held = @($Report['components'].Keys | Where-Object {
            $null -ne $now[$_].Marks -and (Test-HeldByMaintenance $now[$_])
        })
    if ($held.Count -gt 0) { Stop-Disagreement 'Active' $held $now }
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
            $now = Read-ComponentState -Exchange $exchange
            Add-ComponentReport -Report $Report -State $now
            Get-HeldSentence -Components $now -Name $Name
        } finally {
            Disconnect-Exchange -Exchange $exchange | Out-Null
        }
    } catch {
        "The states of the components could not be read: $($_.Exception.Message)"
    }
}

# Opens a session for each step: none stays open while clients forget the address, and sessions end with the restart of
# the web site, through which they run.
function Exit-Rotation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $exchange = Connect-ForRotation $Document
    try {
        $before = Read-ReportedState -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    if (Test-Offline $before['ServerWideOffline']) {
        Write-Note 'ServerWideOffline is Inactive already.'
        return
    }
    Wait-Drained -Seconds $Document.DrainSeconds
    $Report['drainedSeconds'] = $Document.DrainSeconds

    $exchange = Connect-ForRotation $Document
    try {
        Start-Draining -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    Restart-ServerService -Name 'W3SVC' -Report $Report
    $exchange = Connect-AfterRestart $Document
    try {
        Disable-Server -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
}

# True if Maintenance holds the component Inactive. If only another requester did, the server would come back when that
# one sets it Active.
function Test-Offline {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Component
    )
    $Component.State -eq 'Inactive' -and ($null -eq $Component.Marks -or $Component.Marks['Maintenance'] -eq 'Inactive')
}

function Wait-Drained {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [int] $Seconds
    )
    $until = (Get-Date).AddSeconds($Seconds)
    while ($true) {
        $left = [int][Math]::Ceiling(($until - (Get-Date)).TotalSeconds)
        if ($left -le 0) { return }
        Write-Note "Clients may hold the address of $env:COMPUTERNAME for $left s more."
        Start-Sleep -Seconds ([Math]::Min(10, $left))
    }
}

function Start-Draining {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $components = Read-ComponentState -Exchange $Exchange
    Read-ReportedState -Exchange $Exchange -Report $Report -After {
        foreach ($name in $DrainedComponents.Keys) {
            if (-not $components.ContainsKey($name) -or $components[$name].State -ne 'Active') { continue }
            Set-ComponentState -Exchange $Exchange -Name $name -State 'Draining'
            if ($DrainedComponents[$name]) { Restart-ServerService -Name $DrainedComponents[$name] -Report $Report }
        }
    } | Out-Null
}

function Disable-Server {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $now = Read-ReportedState -Exchange $Exchange -Report $Report -After {
        Set-ComponentState -Exchange $Exchange -Name 'ServerWideOffline' -State 'Inactive'
    }
    if ($now['ServerWideOffline'].State -ne 'Inactive') { Stop-Disagreement 'Inactive' 'ServerWideOffline' $now }
}

function Stop-Disagreement {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $State,

        [Parameter(Mandatory)]
        [string[]] $Name,

        [Parameter(Mandatory)]
        [hashtable] $Now
    )
    $found = @($Name | ForEach-Object { "$_ ($($Now[$_].State))" }) -join ', '
    Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
        "Exchange on $env:COMPUTERNAME took the state $State, but reads back another one: $found. " +
        'Run this again; if it stays so, look at what Set-ServerComponentState says there by hand.'
    )
}

# Opens a session after the restart of IIS, through which sessions run. Retries for RetrySeconds.
function Connect-AfterRestart {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document
    )
    $until = (Get-Date).AddSeconds($RetrySeconds)
    while ($true) {
        try { return Connect-ForRotation $Document } catch {
            if ((Get-Date) -ge $until) { throw }
            Write-Note "The web site has been restarted and gives no session yet: $($_.Exception.Message)"
        }
        Start-Sleep -Seconds 2
    }
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
    $remedy = 'Windows could not restart this service: restart it by hand there, then run this again.'
    Invoke-Step -Subject $Name -Remedy $remedy -Step {
        # Warnings ("Waiting for service ...") would go to stdout.
        Restart-Service -Name $Name -Force -WarningAction SilentlyContinue -ErrorAction Stop
    }
    $Report['restarted'] += $Name
    Write-Note "${Name}: restarted."
}
