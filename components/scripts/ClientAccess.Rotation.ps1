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
    $reasons += @(Get-HeldReason -Document $Document -Name (@('ServerWideOffline') + @($unhealthy | ForEach-Object { $table[$_].Component })))
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
    $before = Read-ComponentState -Exchange $Exchange
    $now = $before
    foreach ($name in 'ServerWideOffline', 'UMCallRouter', 'HubTransport') {
        if (-not $now.ContainsKey($name) -or -not (Test-HeldByMaintenance $now[$name])) { continue }
        Set-ComponentState -Exchange $Exchange -Name $name -State 'Active'
        if ($DrainedComponents[$name]) { Restart-ServerService -Name $DrainedComponents[$name] -Report $Report }
        $now = Read-ComponentState -Exchange $Exchange
    }
    Add-ComponentReport -Report $Report -Before $before -After $now
    $held = @($Report['components'].Keys | Where-Object { $null -ne $now[$_].Marks -and (Test-HeldByMaintenance $now[$_]) })
    if ($held.Count -gt 0) { Stop-Disagreement 'Active' $held }
}

function Get-HeldReason {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [string[]] $Name
    )
    # Only an explanation: the gate has failed already, and must not fail for another reason.
    try {
        $exchange = Connect-ForRotation $Document
        try { Get-HeldSentence -Components (Read-ComponentState -Exchange $exchange) -Name $Name } finally { Disconnect-Exchange -Exchange $exchange | Out-Null }
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
        $before = Read-ComponentState -Exchange $exchange
        Add-ComponentReport -Report $Report -Before $before -After $before
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
    try { Disable-Server -Exchange $exchange -Before $before -Report $Report } finally { Disconnect-Exchange -Exchange $exchange }
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
    foreach ($name in $DrainedComponents.Keys) {
        if (-not $components.ContainsKey($name) -or $components[$name].State -ne 'Active') { continue }
        Set-ComponentState -Exchange $Exchange -Name $name -State 'Draining'
        if ($DrainedComponents[$name]) { Restart-ServerService -Name $DrainedComponents[$name] -Report $Report }
    }
}

function Disable-Server {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [hashtable] $Before,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    Set-ComponentState -Exchange $Exchange -Name 'ServerWideOffline' -State 'Inactive'
    $after = Read-ComponentState -Exchange $Exchange
    Add-ComponentReport -Report $Report -Before $Before -After $after
    if ($after['ServerWideOffline'].State -ne 'Inactive') { Stop-Disagreement 'Inactive' 'ServerWideOffline' }
}

function Stop-Disagreement {
    param(
        [Parameter(Mandatory = $true)] [string] $State,
        [Parameter(Mandatory = $true)] [string[]] $Name
    )
    Stop-Run -ExitCode $RunExitCode.Disagreement -Message "Exchange took the state $State, but reads back another one: $($Name -join ', ')."
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
    # Its warnings ("Waiting for service ...") would go to stdout.
    Restart-Service -Name $Name -Force -WarningAction SilentlyContinue
    $Report['restarted'] += $Name
    Write-Note "${Name}: restarted."
}
