# The phases of an installation, in their order, and the loop through them. Nothing is remembered between two runs: each
# phase looks at the machine.

# Test gets the installation, changes nothing, and returns whether this phase has nothing to do. Start gets it, too, and
# does the work; it ends with Stop-Installation or Exit-Installation if it cannot complete it.
$InstallationPhases = @(
    @{ Name = 'domain'; Test = 'Test-DomainPhase'; Start = 'Start-DomainPhase' }
    @{ Name = 'features'; Test = 'Test-FeaturesPhase'; Start = 'Start-FeaturesPhase' }
    @{ Name = 'packages'; Test = 'Test-PackagesPhase'; Start = 'Start-PackagesPhase' }
    @{ Name = 'restart'; Test = 'Test-RestartPhase'; Start = 'Start-RestartPhase' }
    @{ Name = 'media'; Test = 'Test-MediaPhase'; Start = 'Start-MediaPhase' }
    @{ Name = 'directory'; Test = 'Test-DirectoryPhase'; Start = 'Start-DirectoryPhase' }
    @{ Name = 'setup'; Test = 'Test-SetupPhase'; Start = 'Start-SetupPhase' }
    @{ Name = 'finish'; Test = 'Test-FinishPhase'; Start = 'Start-FinishPhase' }
)

# Installed and finished: what needs no task. Both probes look at this machine alone, because a logon with an SSH key
# has no access to the network.
function Test-InstallationComplete {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    (Test-SetupPhase $Installation) -and (Test-FinishPhase $Installation)
}

# Goes through the phases until all are complete. A server with Exchange needs the finish alone; a setup that runs is
# joined, as its service connection point must be watched and nothing may disturb it.
function Invoke-InstallationPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $isBegun = (Test-SetupPhase $Installation) -or (Test-SetupRunning)
    if (-not $isBegun) { Assert-Installable -Installation $Installation }
    foreach ($phase in $InstallationPhases) {
        if ($isBegun -and $phase.Name -notin 'setup', 'finish') { continue }
        $Installation.Phase = $phase.Name
        if (& $phase.Test $Installation) { continue }
        Add-InstallationProgress -Installation $Installation -Text 'begins'
        & $phase.Start $Installation
        if (-not (& $phase.Test $Installation)) {
            $remedy = "Look at what it did in $(Join-Path $Installation.Folder 'progress.log'), then run this again."
            Stop-Installation $Installation -Cause 'It ended, but is not complete' -Remedy $remedy
        }
        Add-InstallationProgress -Installation $Installation -Text 'is complete'
    }
}

# What can be refused before the first change on this server.
function Assert-Installable {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    Assert-MachineReady -Installation $Installation
    $Installation.Phase = 'media'
    Assert-MediaAtHand -Installation $Installation
    $Installation.Phase = 'directory'
    Assert-DirectoryAllowed -Installation $Installation
}

# Runs the phases and writes result.json: state (complete, failed, restart or waiting), phase and text.
function Invoke-InstallationTask {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $state = 'complete'
    $text = ''
    try {
        Invoke-InstallationPhase -Installation $Installation 3>$null | Out-Null
        Clear-MediaImage -Installation $Installation
    } catch {
        $text = $_.Exception.Message
        $state = 'failed'
        if ($_.Exception.Data.Contains('State')) {
            $state = $_.Exception.Data['State']
        } elseif (-not $_.Exception.Data.Contains('ExitCode')) {
            $file = [System.IO.Path]::GetFileName($_.InvocationInfo.ScriptName)
            $cause = "$file, line $($_.InvocationInfo.ScriptLineNumber): $text"
            $remedy = 'The script did not expect this: run it again, and report it with this line if it stays so.'
            $text = Get-FailureText -Subject $Installation.Phase -Cause $cause -Remedy $remedy
        }
    }
    Add-InstallationProgress -Installation $Installation -Text "$state $text".Trim()
    $result = [ordered]@{ state = $state; phase = $Installation.Phase; text = $text }
    Write-InstallationFile -Folder $Installation.Folder -Name 'result.json' -Content $result
}
