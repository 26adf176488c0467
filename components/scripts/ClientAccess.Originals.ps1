# The file of original values: what the server said before this project first wrote to it.

function Get-OriginalsPath {
    Join-Path (Join-Path $env:ProgramData 'ExchangeCas') 'original-namespace.json'
}

# Writes the file at first contact, with every service whether the document names it or not. One that is there is never overwritten, and refused
# when it could not be put back: then nobody could undo what is about to be written.
function Save-OriginalNamespace {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [string] $ExchangeVersion,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present
    )
    $path = Get-OriginalsPath
    if (Test-Path -LiteralPath $path) { Read-OriginalsFile -Path $path | Out-Null; return }
    $settings = [ordered]@{}
    foreach ($name in $Present.Keys) { $settings[$name] = $Present[$name] }
    $unnamed = @($Exchange.Services.Keys | Where-Object { -not $Present.Contains($_) })
    foreach ($problem in @(Read-Namespace -Exchange $Exchange -Name $unnamed -Into $settings)) { Write-Note "Not kept as an original value: $problem" }
    $originals = [ordered]@{ server = $Exchange.Server; exchangeVersion = $ExchangeVersion; settings = $settings }

    Save-NewFile -Path $path -Text (ConvertTo-Json -InputObject $originals -Depth 6)
}

function Save-NewFile {
    param(
        [Parameter(Mandatory = $true)] [string] $Path,
        [Parameter(Mandatory = $true)] [string] $Text
    )
    Invoke-Step -Subject 'original values' -Remedy "They could not be kept in $Path, so nothing was changed: mend that, then run this again." -Step {
        New-Item -ItemType Directory -Path (Split-Path -Parent $Path) -Force | Out-Null
        $draft = "$Path.$PID"
        # To the disk before the name: after a loss of power a file may have its name and no content.
        $bytes = (New-Object System.Text.UTF8Encoding $false).GetBytes($Text)
        $stream = [System.IO.File]::Create($draft)
        try { $stream.Write($bytes, 0, $bytes.Length); $stream.Flush($true) } finally { $stream.Dispose() }
        # A move to a name that is taken fails, so the file is complete or absent, and the first one stays.
        try { [System.IO.File]::Move($draft, $Path) } finally { Remove-Item -LiteralPath $draft -ErrorAction SilentlyContinue }
    }
    Write-Note "The original values are kept in $Path."
}

# service -> setting -> value, of the services this server's Exchange has.
function Read-OriginalNamespace {
    param([Parameter(Mandatory = $true)] $Exchange)
    $path = Get-OriginalsPath
    if (-not (Test-Path -LiteralPath $path)) {
        Stop-Run -ExitCode $RunExitCode.NothingKept -Message "There is no file of original values ($path): Set-ClientAccessNamespace.ps1 has not run on this server, $env:COMPUTERNAME. Nothing was changed."
    }
    Read-OriginalsFile -Path $path
}

# service -> setting -> value. Stops the run unless this server wrote the file, and whole.
function Read-OriginalsFile {
    param([Parameter(Mandatory = $true)] [string] $Path)
    $json = Read-KeptJson -Path $Path -What 'original values'
    $settings = ConvertTo-SettingsTable (Get-Key $json 'settings')
    $table = Get-NamespaceServiceTable -ExchangeVersion '2016'
    $isWrong = $settings.Count -eq 0
    foreach ($name in $settings.Keys) {
        $known = $table.Contains($name) -and $settings[$name].Count -gt 0
        $isWrong = $isWrong -or -not $known -or @($settings[$name].Keys | Where-Object {
                -not $table[$name].Settings.Contains($_) -or -not (Test-KeptValue -Kind $table[$name].Settings[$_] -Value $settings[$name][$_])
            }).Count -gt 0
    }
    if ($isWrong) { Stop-KeptFile -Path $Path -What 'original values' -Problem 'cannot be understood' }
    $settings
}

# What a file of values from before this project says. Stops the run when it is empty, torn or of another computer.
function Read-KeptJson {
    param(
        [Parameter(Mandatory = $true)] [string] $Path,
        [Parameter(Mandatory = $true)] [string] $What
    )
    $json = ConvertFrom-JsonObject ([System.IO.File]::ReadAllText($Path))
    $server = Get-Key $json 'server'
    if ($server -isnot [string]) { Stop-KeptFile -Path $Path -What $What -Problem 'cannot be understood' }
    if ($server -ne $env:COMPUTERNAME) { Stop-KeptFile -Path $Path -What $What -Problem "is of $server, not of $env:COMPUTERNAME" }
    $json
}

function Stop-KeptFile {
    param(
        [Parameter(Mandatory = $true)] [string] $Path,
        [Parameter(Mandatory = $true)] [string] $What,
        [Parameter(Mandatory = $true)] [string] $Problem
    )
    Stop-Run ("The file of $What of $env:COMPUTERNAME ($Path) $Problem. Nothing was changed. Put it back from a backup; or delete it, " +
        "where the present values may count as the $What (a server made from another one's image, for one), and run this again.")
}
