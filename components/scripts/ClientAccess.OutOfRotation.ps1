# Takes this server out of rotation. docs/decisions/0008 explains the order of the steps.

$RetrySeconds = 180

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
        $secondsLeft = [int][Math]::Ceiling(($until - (Get-Date)).TotalSeconds)
        if ($secondsLeft -le 0) { return }
        Write-Note "Clients may hold the address of $env:COMPUTERNAME for $secondsLeft s more."
        Start-Sleep -Seconds ([Math]::Min(10, $secondsLeft))
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
    $states = Read-ReportedState -Exchange $Exchange -Report $Report -After {
        Set-ComponentState -Exchange $Exchange -Name 'ServerWideOffline' -State 'Inactive'
    }
    if ($states['ServerWideOffline'].State -ne 'Inactive') { Stop-Disagreement 'Inactive' 'ServerWideOffline' $states }
}

# Opens a session after the restart of IIS, through which sessions run. Retries for RetrySeconds.
function Connect-AfterRestart {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [string[]] $Cmdlet = $ComponentCmdlets
    )
    $until = (Get-Date).AddSeconds($RetrySeconds)
    while ($true) {
        try { return Connect-Exchange -Document $Document -Cmdlet $Cmdlet } catch {
            if ((Get-Date) -ge $until) { throw }
            Write-Note "The web site was restarted and does not accept a session yet: $($_.Exception.Message)"
        }
        Start-Sleep -Seconds 2
    }
}
