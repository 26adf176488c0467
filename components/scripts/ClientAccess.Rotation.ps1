# Into rotation and out of it. docs/decisions/0008 says why the steps have this order.

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
    param([Parameter(Mandatory = $true)] $Document)
    Connect-Exchange -Document $Document -Cmdlet $ComponentCmdlets
}

# What Maintenance holds is made Active by the same requester; then every service has to be healthy.
function Enter-Rotation {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $table = Get-NamespaceServiceTable -ExchangeVersion $Document.ExchangeVersion
    $exchange = Connect-ForRotation $Document
    try {
        foreach ($service in $Document.Names.Keys) {
            $reason = Get-SkipReason -Exchange $exchange -Service $table[$service]
            if ($reason) { $Report['skipped'][$service] = $reason; Write-Note "${service}: not probed. $reason." }
        }
        Enable-Component -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    $probed = @($Document.Names.Keys | Where-Object { -not $Report['skipped'].Contains($_) })
    $unhealthy = @(Wait-Healthy -Document $Document -Table $table -Service $probed -Report $Report)
    if ($unhealthy.Count -eq 0) { return }
    $reasons = @($unhealthy | ForEach-Object { "${_}: $($Report['health'][$_] -join '; ')" })
    $reasons += @(Get-HeldReason -Document $Document -Report $Report -Name (@('ServerWideOffline') + @($unhealthy | ForEach-Object { $table[$_].Component })))
    Stop-Run -ExitCode $RunExitCode.Unhealthy -Message (
        "$env:COMPUTERNAME did not become healthy within $($Document.HealthSeconds) s. Its address is not entered into DNS; " +
        "if it is there already it still is, and inRotation: false takes it out:`n  " + ($reasons -join "`n  "))
}

# ServerWideOffline first: as long as it is Inactive, so is everything else, whatever its own marks say.
function Enable-Component {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $now = Read-ReportedState -Exchange $Exchange -Report $Report
    foreach ($name in 'ServerWideOffline', 'UMCallRouter', 'HubTransport') {
        if (-not $now.ContainsKey($name) -or -not (Test-HeldByMaintenance $now[$name])) { continue }
        $now = Read-ReportedState -Exchange $Exchange -Report $Report -After {
            Set-ComponentState -Exchange $Exchange -Name $name -State 'Active'
            if ($DrainedComponents[$name]) { Restart-ServerService -Name $DrainedComponents[$name] -Report $Report }
        }
    }
    $held = @($Report['components'].Keys | Where-Object { $null -ne $now[$_].Marks -and (Test-HeldByMaintenance $now[$_]) })
    if ($held.Count -gt 0) { Stop-Disagreement 'Active' $held $now }
}

function Get-HeldReason {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [Parameter(Mandatory = $true)] [string[]] $Name
    )
    # Only an explanation: the gate has failed already, and must not fail for another reason.
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

# Each step has a session of its own: none is held open while clients forget the address, and none outlives the web site it runs through.
function Exit-Rotation {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $exchange = Connect-ForRotation $Document
    try {
        $before = Read-ReportedState -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    if (Test-Offline $before['ServerWideOffline']) { Write-Note 'ServerWideOffline is Inactive already.'; return }
    Wait-Drained -Seconds $Document.DrainSeconds
    $Report['drainedSeconds'] = $Document.DrainSeconds

    $exchange = Connect-ForRotation $Document
    try { Start-Draining -Exchange $exchange -Report $Report } finally { Disconnect-Exchange -Exchange $exchange }
    Restart-ServerService -Name 'W3SVC' -Report $Report
    $exchange = Connect-AfterRestart $Document
    try { Disable-Server -Exchange $exchange -Report $Report } finally { Disconnect-Exchange -Exchange $exchange }
}

# Inactive by another requester alone is not enough: the server would come back when that one lets go.
function Test-Offline {
    param([Parameter(Mandatory = $true)] $Component)
    $Component.State -eq 'Inactive' -and ($null -eq $Component.Marks -or $Component.Marks['Maintenance'] -eq 'Inactive')
}

function Wait-Drained {
    param([Parameter(Mandatory = $true)] [int] $Seconds)
    $until = (Get-Date).AddSeconds($Seconds)
    while ($true) {
        $left = [int][Math]::Ceiling(($until - (Get-Date)).TotalSeconds)
        if ($left -le 0) { return }
        Write-Note "Clients may hold the address of $env:COMPUTERNAME for $left s more."
        Start-Sleep -Seconds ([Math]::Min(10, $left))
    }
}

function Start-Draining {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
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
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $now = Read-ReportedState -Exchange $Exchange -Report $Report -After { Set-ComponentState -Exchange $Exchange -Name 'ServerWideOffline' -State 'Inactive' }
    if ($now['ServerWideOffline'].State -ne 'Inactive') { Stop-Disagreement 'Inactive' 'ServerWideOffline' $now }
}

function Stop-Disagreement {
    param(
        [Parameter(Mandatory = $true)] [string] $State,
        [Parameter(Mandatory = $true)] [string[]] $Name,
        [Parameter(Mandatory = $true)] [hashtable] $Now
    )
    $found = @($Name | ForEach-Object { "$_ ($($Now[$_].State))" }) -join ', '
    Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
        "Exchange on $env:COMPUTERNAME took the state $State, but reads back another one: $found. " +
        'Run this again; if it stays so, look at what Set-ServerComponentState says there by hand.')
}

# Sessions with Exchange come in through IIS, which takes a while after a restart.
function Connect-AfterRestart {
    param([Parameter(Mandatory = $true)] $Document)
    $until = (Get-Date).AddSeconds($RetrySeconds)
    while ($true) {
        try { return Connect-ForRotation $Document } catch {
            if ((Get-Date) -ge $until) { throw }
            Write-Note "The web site has been restarted and gives no session yet: $($_.Exception.Message)"
        }
        Start-Sleep -Seconds 2
    }
}

# Only what runs: a service that somebody stopped stays so, and a server without the mailbox role has no MSExchangeTransport.
function Restart-ServerService {
    param(
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if (-not $service -or "$($service.Status)" -ne 'Running') { Write-Note "${Name}: not running here, not restarted."; return }
    Invoke-Step -Subject $Name -Remedy 'Windows could not restart this service: restart it by hand there, then run this again.' -Step {
        # Its warnings ("Waiting for service ...") would go to stdout.
        Restart-Service -Name $Name -Force -WarningAction SilentlyContinue -ErrorAction Stop
    }
    $Report['restarted'] += $Name
    Write-Note "${Name}: restarted."
}
