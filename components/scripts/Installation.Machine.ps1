# The phase domain, and what a machine must be before anything is changed on it.

function Test-DomainPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
    [bool] (Get-CimInstance -ClassName Win32_ComputerSystem).PartOfDomain
}

# Joining restarts the machine and needs another credential, so the stack does it.
function Start-DomainPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $remedy = 'Set domain in the stack, or join it to the domain by hand, then run this again.'
    Stop-Installation $Installation -Cause 'This machine is not joined to a domain' -Remedy $remedy
}

# Returns the value in the registry, or $null.
function Get-RegistryValue {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Key,

        [Parameter(Mandatory)]
        [string] $Name
    )
    $found = Get-ItemProperty -LiteralPath $Key -Name $Name -ErrorAction SilentlyContinue
    if ($null -ne $found) { $found.$Name }
}

# Returns the row of `machines` in prerequisites.json for this Windows and this version of Exchange, or $null.
function Get-MachineRow {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $build = [int] (Get-CimInstance -ClassName Win32_OperatingSystem).BuildNumber
    $rows = @((Read-Prerequisite).machines | Where-Object {
            $build -in $_.builds -and $Installation.ExchangeVersion -in $_.releases
        })
    if ($rows.Count -gt 0) { $rows[0] }
}

function Test-ServerCore {
    (Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion' 'InstallationType') -eq 'Server Core'
}

# Stops for what the installation cannot change: Windows, its revision, PowerShell, the domain.
function Assert-MachineReady {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if (-not (Test-DomainPhase $Installation)) { Start-DomainPhase $Installation }
    $release = $Installation.Release.name
    $row = Get-MachineRow -Installation $Installation
    if ($null -eq $row) {
        $system = Get-CimInstance -ClassName Win32_OperatingSystem
        $cause = "$release does not run on this Windows (build $($system.BuildNumber))"
        Stop-Installation $Installation -Cause $cause -Remedy "It runs on $(Get-SupportedWindows $Installation)."
    }
    if ((Test-ServerCore) -and -not $row.core) {
        $remedy = 'Use an image of Windows Server with Desktop Experience.'
        Stop-Installation $Installation -Cause "$release does not run on Server Core" -Remedy $remedy
    }
    $revision = Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion' 'UBR'
    $least = Get-Key $row 'leastRevision'
    if ($null -ne $least -and $null -ne $revision -and $revision -lt $least) {
        $cause = "Windows has revision $revision, $release needs $least"
        Stop-Installation $Installation -Cause $cause -Remedy 'Install the newest cumulative update of Windows.'
    }
    $engine = Get-RegistryValue 'HKLM:\SOFTWARE\Microsoft\PowerShell\3\PowerShellEngine' 'PowerShellVersion'
    if ((Get-Key $row 'ownPowerShell') -and "$engine" -match '^[5-9]\.') {
        $cause = "$release supports the PowerShell 3.0 or 4.0 of Windows, not $engine"
        Stop-Installation $Installation -Cause $cause -Remedy 'Uninstall Windows Management Framework 5.'
    }
}

function Get-SupportedWindows {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $table = Read-Prerequisite
    $rows = @($table.machines | Where-Object { $Installation.ExchangeVersion -in $_.releases })
    $builds = @($rows | ForEach-Object { $_.builds } | Sort-Object -Unique)
    @($builds | ForEach-Object { $table.windows."$_" }) -join ', '
}
