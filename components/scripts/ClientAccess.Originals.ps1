# Writes and reads the file of original values, which the server had before this project first wrote to it.

function Get-OriginalsPath {
    Join-Path (Join-Path $env:ProgramData 'ExchangeCas') 'original-namespace.json'
}

# Writes the file at the first run, with every service, also those that the document does not name. Never overwrites a
# file, and stops the run if the present one could not be restored, because the changes could not be undone.
function Save-OriginalNamespace {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string] $ExchangeVersion,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Present
    )
    $path = Get-OriginalsPath
    if (Test-Path -LiteralPath $path) {
        Read-OriginalsFile -Path $path | Out-Null
        return
    }
    $settings = [ordered]@{}
    foreach ($name in $Present.Keys) { $settings[$name] = $Present[$name] }
    $unnamed = @($Exchange.Services.Keys | Where-Object { -not $Present.Contains($_) })
    $problems = @(Read-Namespace -Exchange $Exchange -Name $unnamed -Into $settings)
    foreach ($problem in $problems) { Write-Note "Not kept as an original value: $problem" }
    $originals = [ordered]@{ server = $Exchange.Server; exchangeVersion = $ExchangeVersion; settings = $settings }

    Save-NewFile -Path $path -Text (ConvertTo-Json -InputObject $originals -Depth 6)
}

function Save-NewFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Path,

        [Parameter(Mandatory)]
        [string] $Text
    )
    $remedy = "They could not be written to $Path, so nothing was changed: fix the cause, then run this again."
    Invoke-Step -Subject 'original values' -Remedy $remedy -Step {
        New-Item -ItemType Directory -Path (Split-Path -Parent $Path) -Force | Out-Null
        $draft = "$Path.$PID"
        # Flush before the rename: after a power failure a file can have its name but no content.
        $bytes = (New-Object System.Text.UTF8Encoding $false).GetBytes($Text)
        $stream = [System.IO.File]::Create($draft)
        try {
            $stream.Write($bytes, 0, $bytes.Length)
            $stream.Flush($true)
        } finally {
            $stream.Dispose()
        }
        # Move fails if the file exists, so the file is complete or absent, and the first one stays.
        try {
            [System.IO.File]::Move($draft, $Path)
        } finally {
            Remove-Item -LiteralPath $draft -ErrorAction SilentlyContinue
        }
    }
    Write-Note "The original values are kept in $Path."
}

# Returns service -> setting -> value. Stops the run if there is no file.
function Read-OriginalNamespace {
    $path = Get-OriginalsPath
    if (-not (Test-Path -LiteralPath $path)) {
        Stop-Run -ExitCode $RunExitCode.NothingKept -Message (
            "There is no file of original values ($path): Set-ClientAccessNamespace.ps1 has not run on this server, " +
            "$env:COMPUTERNAME. Nothing was changed."
        )
    }
    Read-OriginalsFile -Path $path
}

# Returns service -> setting -> value. Stops the run unless this server wrote the file, and it is complete.
function Read-OriginalsFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Path
    )
    $json = Read-KeptJson -Path $Path -What 'original values'
    $settings = ConvertTo-SettingsTable (Get-Key $json 'settings')
    $table = Get-NamespaceServiceTable -ExchangeVersion '2016'
    $isWrong = $settings.Count -eq 0
    foreach ($name in $settings.Keys) {
        if (-not $table.Contains($name) -or $settings[$name].Count -eq 0) {
            $isWrong = $true
            continue
        }
        $kinds = $table[$name].Settings
        foreach ($setting in $settings[$name].Keys) {
            $isKept = $kinds.Contains($setting) -and (Test-KeptValue $kinds[$setting] $settings[$name][$setting])
            $isWrong = $isWrong -or -not $isKept
        }
    }
    if ($isWrong) { Stop-KeptFile -Path $Path -What 'original values' -Problem 'is damaged' }
    $settings
}

# Returns the JSON object of a file of original values. Stops the run if the file is empty, incomplete or of another
# computer.
function Read-KeptJson {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Path,

        [Parameter(Mandatory)]
        [string] $What
    )
    $json = ConvertFrom-JsonObject ([System.IO.File]::ReadAllText($Path))
    $server = Get-Key $json 'server'
    if ($server -isnot [string]) { Stop-KeptFile -Path $Path -What $What -Problem 'is damaged' }
    if ($server -ne $env:COMPUTERNAME) {
        Stop-KeptFile -Path $Path -What $What -Problem "belongs to $server, not to $env:COMPUTERNAME"
    }
    $json
}

function Stop-KeptFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Path,

        [Parameter(Mandatory)]
        [string] $What,

        [Parameter(Mandatory)]
        [string] $Problem
    )
    Stop-Run (
        "The file of $What of $env:COMPUTERNAME ($Path) $Problem. Nothing was changed. Restore it from a backup. " +
        "If the present values may count as the $What, as on a server made from another one's image, " +
        'delete it. Then run this again.'
    )
}
