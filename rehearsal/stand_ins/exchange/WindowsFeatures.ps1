# Roles and features of the Windows stand-in; a part of WindowsStandIn.psm1. State in windows.json: features (name ->
# true), core, servicing (the process that installs features; a killed one locks servicing until a restart).

$FeatureNames = @(
    'AD-Domain-Services NET-Framework-45-Features NET-Framework-45-Core NET-WCF-HTTP-Activation45'
    'NET-WCF-TCP-PortSharing45 RPC-over-HTTP-proxy RSAT-Clustering RSAT-Clustering-CmdInterface'
    'RSAT-Clustering-PowerShell WAS-Process-Model'
    'Web-Asp-Net45 Web-Basic-Auth Web-Client-Auth Web-Digest-Auth Web-Dir-Browsing Web-Dyn-Compression Web-Http-Errors'
    'Web-Http-Logging Web-Http-Redirect Web-Http-Tracing Web-ISAPI-Ext Web-ISAPI-Filter Web-Metabase Web-Mgmt-Service'
    'Web-Net-Ext45 Web-Request-Monitor Web-Server Web-Stat-Compression Web-Static-Content Web-Windows-Auth Web-WMI'
    'RSAT-ADDS RSAT-AD-PowerShell RSAT-DNS-Server Server-Media-Foundation Telnet-Client'
) | ForEach-Object { $_ -split ' ' }
$DesktopFeatures = 'RSAT-Clustering-Mgmt', 'Web-Mgmt-Console', 'Windows-Identity-Foundation'
# These are complete after a restart.
$RestartingFeatures = 'Desktop-Experience', 'Server-Media-Foundation'
$ServicingMark = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'

function Get-KnownFeature {
    [CmdletBinding()]
    param($State)
    $FeatureNames
    if (-not $State['core']) { $DesktopFeatures }
    if (-not $State['core'] -and $State.build -lt 26100) { 'Web-Lgcy-Mgmt-Console' }
    if ($State.build -lt 14393) { 'AS-HTTP-Activation', 'Desktop-Experience' }
}

function Edit-Windows {
    [CmdletBinding()]
    param([scriptblock] $Change)
    Use-Lock "windows-$env:COMPUTERNAME" {
        $state = Read-Windows
        & $Change $state
        Write-Windows $state
    }
}

# Stops at this cmdlet while the state's `holds` names it, so that a test can interrupt it.
function Wait-Hold {
    [CmdletBinding()]
    param([string] $Cmdlet)
    while ($Cmdlet -in @((Read-Windows)['holds'])) {
        [System.IO.File]::WriteAllText((Join-Path $env:EXCHANGE_STANDIN_ROOT "held-$Cmdlet"), '')
        Start-Sleep -Milliseconds 50
    }
}

function Get-WindowsFeature {
    [CmdletBinding()]
    param()
    $state = Read-Windows
    foreach ($name in Get-KnownFeature $state) {
        $isInstalled = [bool] $state.features[$name]
        [pscustomobject]@{
            Name         = $name
            Installed    = $isInstalled
            InstallState = if ($isInstalled) { 'Installed' } else { 'Available' }
        }
    }
}

# Installs nothing if one name is unknown, like the real one.
function Install-WindowsFeature {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string[]] $Name
    )
    $state = Read-Windows
    $unknown = @($Name | Where-Object { $_ -notin @(Get-KnownFeature $state) })
    if ($unknown.Count -gt 0) {
        $text = "ArgumentNotValid: The role, role service, or feature name is not valid: '$($unknown -join ', ')'. " +
        'The name was not found.'
        return $PSCmdlet.WriteError((New-Error $text 'InvalidArgument'))
    }
    if ($state['servicing']) {
        $text = 'The request to add or remove features on the specified server failed. The operation cannot be ' +
        'completed, because another servicing operation is in progress. Error: 0x800f0816'
        return $PSCmdlet.WriteError((New-Error $text 'ResourceBusy'))
    }
    $added = @($Name | Where-Object { -not $state.features[$_] })
    Edit-Windows { param($State) $State['servicing'] = $PID }
    Wait-Hold 'Install-WindowsFeature'
    $needsRestart = @($added | Where-Object { $_ -in $RestartingFeatures }).Count -gt 0
    Edit-Windows {
        param($State)
        foreach ($one in $added) { $State.features[$one] = $true }
        if ($needsRestart) { $State.pendingMarks = @($State.pendingMarks) + $ServicingMark }
        $State.Remove('servicing')
    }
    [pscustomobject]@{
        Success       = $true
        RestartNeeded = if ($needsRestart) { 'Yes' } else { 'No' }
        ExitCode      = if ($needsRestart) { 'SuccessRestartRequired' } else { 'Success' }
    }
}
