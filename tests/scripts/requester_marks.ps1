<#
.SYNOPSIS
Prints which state Get-RequesterMark takes, for each pair of a requester's states in the registry and in the directory.
.DESCRIPTION
Prints one JSON object: "registry/directory" -> the state that counts.
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

# Returns a list of one mark, or of none without a state.
function Get-Mark {
    [CmdletBinding()]
    param([string] $State)
    , @(if ($State) { [pscustomobject]@{ Requester = 'Maintenance'; State = $State } })
}

$states = '', 'Active', 'Draining', 'Inactive', 'Unheard'
$results = [ordered]@{}
foreach ($local in $states) {
    foreach ($remote in $states) {
        $found = [pscustomobject]@{ LocalStates = Get-Mark $local; RemoteStates = Get-Mark $remote }
        $results["$local/$remote"] = (Get-RequesterMark -Component $found)['Maintenance']
    }
}
$results['no marks at all'] = Get-RequesterMark -Component ([pscustomobject]@{ LocalStates = @() })
ConvertTo-Json $results
