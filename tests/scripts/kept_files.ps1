<#
.SYNOPSIS
Reads files of original values with the scripts' functions, and prints how each is judged.
.DESCRIPTION
Reads a JSON object from standard input, namespace and firewall -> contents of files. Prints one of the same keys -> the
error for each content, null if it was accepted.
.PARAMETER Scripts
The folder of the scripts.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $Scripts
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. (Join-Path $Scripts 'ClientAccess.ps1')

function Get-Refusal {
    [CmdletBinding()]
    param(
        [string] $Path,
        [string] $Content,
        [scriptblock] $Read
    )
    New-Item -ItemType Directory -Path (Split-Path -Parent $Path) -Force | Out-Null
    [System.IO.File]::WriteAllText($Path, $Content)
    try {
        & $Read | Out-Null
        $null
    } catch {
        $_.Exception.Message
    }
}

$given = ConvertFrom-Json -InputObject (Read-StandardInput)
$originals = Get-OriginalsPath
$closedPorts = Get-ClosedPortsPath
$results = @{
    namespace = @($given.namespace | ForEach-Object {
            Get-Refusal $originals $_ { Read-OriginalsFile -Path $originals }
        })
    firewall  = @($given.firewall | ForEach-Object { Get-Refusal $closedPorts $_ { Read-OriginalStealthMode } })
}
ConvertTo-Json $results
