# Which values of a list are an address of a server. Prints a list of true and false.
param(
    [Parameter(Mandatory)]
    [string] $Scripts
)

Set-StrictMode -Version Latest
. (Join-Path $Scripts 'ClientAccess.ps1')
$results = @()
foreach ($value in (ConvertFrom-Json -InputObject (Read-StandardInput))) { $results += Test-IPAddress $value }
ConvertTo-Json $results
