<#
.SYNOPSIS
Runs one phase of an installation as the task does, and prints how it ended.
.DESCRIPTION
Reads the document in the folder of the installation. Prints one JSON object: state (complete, failed, waiting,
restart), text, and complete (what the phase's test says at the end).
#>
[CmdletBinding()]
param(
    [string] $Scripts,
    [string] $Phase,
    [string] $Media
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. (Join-Path $Scripts 'Installation.ps1')

# The phase media is not what is tested here.
function Get-MediaRoot { $Media }

# No server here is a client of Configuration Manager.
function Invoke-CimMethod { $null }

$folder = Get-InstallationFolder
$document = Read-InstallationFile -Folder $folder -Name 'installation.json'
$installation = New-Installation -Document $document -Folder $folder
$row = @($InstallationPhases | Where-Object { $_.Name -eq $Phase })[0]
$installation.Phase = $Phase
$result = [ordered]@{ state = 'complete'; text = ''; complete = $false }
try {
    if (-not (& $row.Test $installation)) { & $row.Start $installation | Out-Null }
} catch {
    $result.text = $_.Exception.Message
    $result.state = if ($_.Exception.Data.Contains('State')) { $_.Exception.Data['State'] } else { 'failed' }
    if ($result.state -eq 'failed' -and -not $_.Exception.Data.Contains('ExitCode')) { throw }
}
$result.complete = [bool] (& $row.Test $installation)
ConvertTo-Json -InputObject $result
exit 0
