# The folder of the installation on the server: the document without its credential, the progress, the result, and what
# was downloaded. Enable-OpenSsh.ps1 has left its parent to SYSTEM and administrators.

# A phase ends the task early with one of these states; 'failed' is every other error.
$EarlyStates = 'restart', 'waiting'

function Get-InstallationFolder { Join-Path (Join-Path $env:ProgramData 'ExchangeCas') 'installation' }

# Returns the object that every phase gets: Folder, Server, ExchangeVersion, Media (path, url, sha256), Roles,
# OrganisationName, PrepareActiveDirectory, TargetDir, ExtendedProtection, Packages, ServiceUri, Release (the row of
# `releases` in prerequisites.json for this version of Exchange) and Phase (the name of the phase that runs).
function New-Installation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [string] $Folder
    )
    [pscustomobject]@{
        Folder                 = $Folder
        Server                 = $Document.server
        ExchangeVersion        = $Document.exchangeVersion
        Media                  = $Document.media
        Roles                  = @($Document.roles)
        OrganisationName       = Get-Key $Document 'organisationName'
        PrepareActiveDirectory = $Document.prepareActiveDirectory
        TargetDir              = Get-Key $Document 'targetDir'
        ExtendedProtection     = $Document.extendedProtection
        Packages               = Get-Key $Document 'packages'
        ServiceUri             = Get-Key $Document 'serviceUri'
        Release                = (Read-Prerequisite).releases.($Document.exchangeVersion)
        Phase                  = $InstallationPhases[0].Name
    }
}

function Read-Prerequisite {
    ConvertFrom-JsonObject ([System.IO.File]::ReadAllText((Join-Path $PSScriptRoot 'prerequisites.json')))
}

function Save-InstallationDocument {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [string] $Folder
    )
    $kept = [ordered]@{}
    foreach ($key in $Document.PSObject.Properties) {
        if ($key.Name -notin 'credential', 'begin') { $kept[$key.Name] = $key.Value }
    }
    New-Item -ItemType Directory -Path $Folder -Force | Out-Null
    Write-InstallationFile -Folder $Folder -Name 'installation.json' -Content $kept
}

# Replaces the file in one step, because the task and the script that starts it read each other's files.
function Write-InstallationFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Content
    )
    $file = Join-Path $Folder $Name
    $text = ConvertTo-Json -InputObject $Content -Depth 6
    [System.IO.File]::WriteAllText("$file.new", $text, (New-Object System.Text.UTF8Encoding $false))
    Move-Item -LiteralPath "$file.new" -Destination $file -Force
}

# Returns the object in the file, or $null if there is no such file.
function Read-InstallationFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder,

        [Parameter(Mandatory)]
        [string] $Name
    )
    $file = Join-Path $Folder $Name
    if (Test-Path -LiteralPath $file) { ConvertFrom-JsonObject ([System.IO.File]::ReadAllText($file)) }
}

function Remove-InstallationFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder,

        [Parameter(Mandatory)]
        [string] $Name
    )
    $file = Join-Path $Folder $Name
    if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -Force }
}

# Appends "HH:mm:ss phase text" to progress.log.
function Add-InstallationProgress {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Text
    )
    $line = "$((Get-Date).ToString('HH:mm:ss')) $($Installation.Phase) $Text`n"
    $file = Join-Path $Installation.Folder 'progress.log'
    # The default encoding is UTF-8 without a byte order mark.
    [System.IO.File]::AppendAllText($file, $line)
}

# Returns the last lines of progress.log.
function Get-InstallationProgress {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder
    )
    $file = Join-Path $Folder 'progress.log'
    if (-not (Test-Path -LiteralPath $file)) { return }
    $share = [System.IO.FileShare]::ReadWrite
    $stream = New-Object System.IO.FileStream($file, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $share)
    $reader = New-Object System.IO.StreamReader $stream
    try { $lines = @($reader.ReadToEnd() -split "`n" | Where-Object { $_ }) } finally { $reader.Dispose() }
    $lines | Select-Object -Last 12
}

# Ends the task with a state other than failure: 'restart' has the machine restarted, 'waiting' has the next call of
# Install-ExchangeServer.ps1 start the task again.
function Exit-Installation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $State,

        [Parameter(Mandatory)]
        [string] $Text
    )
    $exception = New-Object System.InvalidOperationException $Text
    $exception.Data['State'] = $State
    throw $exception
}

# Ends the task as failed: "EX01 setup: cause. Remedy".
function Stop-Installation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Cause,

        [Parameter(Mandatory)]
        [string] $Remedy
    )
    Stop-Run (Get-FailureText -Subject $Installation.Phase -Cause $Cause -Remedy $Remedy)
}
