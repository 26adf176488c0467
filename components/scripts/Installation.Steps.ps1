# What one call of Install-ExchangeServer.ps1 does.

function New-InstallationReport {
    [ordered]@{
        server          = $env:COMPUTERNAME
        exchangeVersion = $null
        state           = 'failed'
        phase           = $InstallationPhases[0].Name
        progress        = [string[]]@()
        restarts        = 0
    }
}

# Returns the state for the report.
function Step-Installation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Document
    )
    $folder = $Installation.Folder
    if (Test-InstallationComplete -Installation $Installation) {
        $Installation.Phase = $InstallationPhases[-1].Name
        Clear-Installation -Installation $Installation
        return 'complete'
    }
    if (Test-InstallationTaskRunning) { return 'running' }
    if (Test-Restarting -Folder $folder) {
        Invoke-Shutdown
        return 'restarting'
    }
    if ($Document.begin) {
        foreach ($name in 'result.json', 'restart.json', 'progress.log') {
            Remove-InstallationFile -Folder $folder -Name $name
        }
    }
    $result = Read-InstallationFile -Folder $folder -Name 'result.json'
    if ($null -ne $result) { $Installation.Phase = $result.phase }
    if ($null -ne $result -and $result.state -eq 'failed') { Stop-Run $result.text }
    if ($null -ne $result -and $result.state -eq 'restart') { return Restart-Installation $Installation $result }
    Assert-MachineReady -Installation $Installation
    # After 'waiting' the task looks once more.
    Remove-InstallationFile -Folder $folder -Name 'result.json'
    Save-InstallationDocument -Document $Document -Folder $folder
    Start-InstallationTask -Folder $folder -Credential (ConvertTo-DocumentCredential $Document.credential)
    if ($null -ne $result) { return $result.state }
    'running'
}

# Removes what an interrupted installation left behind, as its task could not do it. The progress stays for people.
function Clear-Installation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if (Test-InstallationTaskRunning) { return }
    Remove-InstallationTask
    foreach ($name in 'installation.json', 'result.json', 'restart.json') {
        Remove-InstallationFile -Folder $Installation.Folder -Name $name
    }
    Clear-MediaImage -Installation $Installation
}

function Restart-Installation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Result
    )
    Remove-InstallationTask
    if (Request-Restart -Folder $Installation.Folder) {
        Remove-InstallationFile -Folder $Installation.Folder -Name 'result.json'
        return 'restarting'
    }
    $cause = "After $MostRestarts restarts another one is asked for. $($Result.text)"
    $remedy = 'Find what sets these marks (Windows Update, another installer), let it end, then run this again.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

# Fills in what the task has written.
function Complete-InstallationReport {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        $Installation
    )
    $lines = @(Get-InstallationProgress -Folder $Installation.Folder)
    $Report['progress'] = [string[]] $lines
    $Report['restarts'] = Get-RestartCount -Folder $Installation.Folder
    $Report['phase'] = $Installation.Phase
    if ($Report['state'] -in 'running', 'waiting' -and $lines.Count -gt 0) {
        $Report['phase'] = ($lines[-1] -split ' ')[1]
    }
}
