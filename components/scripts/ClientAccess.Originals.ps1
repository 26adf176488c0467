# The file of original values: what the server said before this project first wrote to it.

function Get-OriginalsPath {
    Join-Path (Join-Path $env:ProgramData 'ExchangeCas') 'original-namespace.json'
}

# Writes the file at first contact, with every service whether the document names it or not; never overwrites it.
function Save-OriginalNamespace {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [string] $ExchangeVersion,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present
    )
    $path = Get-OriginalsPath
    if (Test-Path -LiteralPath $path) { return }
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
    New-Item -ItemType Directory -Path (Split-Path -Parent $Path) -Force | Out-Null
    $draft = "$Path.$PID"
    [System.IO.File]::WriteAllText($draft, $Text)
    # A move to a name that is taken fails, so the file is complete or absent, and the first one stays.
    try { [System.IO.File]::Move($draft, $Path) } finally { Remove-Item -LiteralPath $draft -ErrorAction SilentlyContinue }
    Write-Note "The original values are kept in $Path."
}

# service -> setting -> value, of the services this server's Exchange has.
function Read-OriginalNamespace {
    param([Parameter(Mandatory = $true)] $Exchange)
    $path = Get-OriginalsPath
    if (-not (Test-Path -LiteralPath $path)) {
        Stop-Run -ExitCode $RunExitCode.NothingKept -Message "There is no file of original values ($path): Set-ClientAccessNamespace.ps1 has not run on this server. Nothing was changed."
    }
    try { $json = ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($path)) } catch { $json = $null }
    $settings = ConvertTo-SettingsTable (Get-Key $json 'settings')
    if ($settings.Count -eq 0) { Stop-Run "The file of original values ($path) cannot be understood. Nothing was changed." }
    if ((Get-Key $json 'server') -ne $Exchange.Server) {
        Stop-Run "The file of original values ($path) is of $(Get-Key $json 'server'), not of $($Exchange.Server). Nothing was changed."
    }
    $settings
}
