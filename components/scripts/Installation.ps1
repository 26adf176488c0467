# Shared by Install-ExchangeServer.ps1 and Invoke-Installation.ps1, which dot-source this file. Language: PowerShell 4.0
# (Windows Server 2012 R2).
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$installationParts = @(
    'Document'
    'Folder'
    'Files'
    'Machine'
    'Features'
    'Packages'
    'Restart'
    'Media'
    'Directory'
    'DirectoryRules'
    'Preparation'
    'Setup'
    'SetupRun'
    'SetupLog'
    'Finish'
    'Phases'
    'Task'
    'Steps'
)
foreach ($part in $installationParts) {
    . (Join-Path $PSScriptRoot "Installation.$part.ps1")
}
