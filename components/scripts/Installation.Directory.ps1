# The phase directory: schema, organisation and domain of Active Directory have at least the versions of this release.

# Called in the task before the first change on this server. Stops the installation if it cannot succeed: a missing
# right, another server object of this name, an organisation that this release refuses. The module ActiveDirectory may
# not be installed yet.
function Assert-DirectoryAllowed {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
}

# Whether schema, domain and organisation have the versions of $Installation.Release on every domain controller.
function Test-DirectoryPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
    $true
}

# Prepares Active Directory if $Installation.PrepareActiveDirectory, else waits for it within bounds and ends with
# Exit-Installation -State waiting. Get-MediaRoot $Installation returns the folder of Setup.exe.
function Start-DirectoryPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
}
