<#
.SYNOPSIS
Reads a JSON list from standard input, and prints for each value whether Test-IPAddress accepts it, as a JSON list.
.PARAMETER Scripts
The folder of the scripts.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $Scripts
)

Set-StrictMode -Version Latest
. (Join-Path $Scripts 'ClientAccess.ps1')
$results = @()
foreach ($value in (ConvertFrom-Json -InputObject (Read-StandardInput))) { $results += Test-IPAddress $value }
ConvertTo-Json $results
