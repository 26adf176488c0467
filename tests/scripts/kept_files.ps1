# What the scripts make of the files of values from before: reads a list of contents, and prints for each what is said of it, null if it is taken.
param(
    [Parameter(Mandatory)]
    [string] $Scripts
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. (Join-Path $Scripts 'ClientAccess.ps1')
$given = ConvertFrom-Json -InputObject (Read-StandardInput)
function Get-Refusal([string] $Path, [string] $Content, [scriptblock] $Read) {
    New-Item -ItemType Directory -Path (Split-Path -Parent $Path) -Force | Out-Null
    [System.IO.File]::WriteAllText($Path, $Content)
    try { & $Read | Out-Null; $null } catch { $_.Exception.Message }
}
$results = @{
    namespace = @($given.namespace | ForEach-Object { Get-Refusal (Get-OriginalsPath) $_ { Read-OriginalsFile -Path (Get-OriginalsPath) } })
    firewall  = @($given.firewall | ForEach-Object { Get-Refusal (Get-ClosedPortsPath) $_ { Read-OriginalStealthMode } })
}
ConvertTo-Json $results
