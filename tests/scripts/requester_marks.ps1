# What Get-RequesterMark makes of two marks of one requester, registry/directory, for each pair of states. Prints one JSON object.
param(
    [Parameter(Mandatory)]
    [string] $Scripts
)

Set-StrictMode -Version Latest
. (Join-Path $Scripts 'ClientAccess.ps1')
function Get-Marks([string] $State) { @(if ($State) { [pscustomobject]@{ Requester = 'Maintenance'; State = $State } }) }
$results = [ordered]@{}
foreach ($local in '', 'Active', 'Draining', 'Inactive', 'Unheard') {
    foreach ($remote in '', 'Active', 'Draining', 'Inactive', 'Unheard') {
        $found = [pscustomobject]@{ LocalStates = @(Get-Marks $local); RemoteStates = @(Get-Marks $remote) }
        $results["$local/$remote"] = (Get-RequesterMark -Found $found)['Maintenance']
    }
}
$results['no marks at all'] = Get-RequesterMark -Found ([pscustomobject]@{ LocalStates = @() })
ConvertTo-Json $results
