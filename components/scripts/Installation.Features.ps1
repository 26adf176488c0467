# The phase features: roles and features of Windows that Exchange needs.

# Returns the names that this Windows knows: Install-WindowsFeature installs nothing if one of them is unknown to it,
# and Windows versions have dropped some.
function Get-NeededFeature {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $table = Read-Prerequisite
    $names = @($table.features.common.names) + @((Get-MachineRow -Installation $Installation).features)
    if (Test-ServerCore) { $names = @($names | Where-Object { $_ -notin $table.withoutOnCore.names }) }
    Get-WindowsFeature | Where-Object { $_.Name -in $names }
}

# A feature of which only the restart is missing counts as installed: the phase restart sees to it.
function Get-MissingFeature {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    Get-NeededFeature -Installation $Installation |
        Where-Object { "$($_.InstallState)" -notin 'Installed', 'InstallPending' } |
        ForEach-Object { $_.Name }
}

function Test-FeaturesPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    @(Get-MissingFeature -Installation $Installation).Count -eq 0
}

# Without a time limit: Windows keeps its servicing locked until a restart if an installation of features is killed.
function Start-FeaturesPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $names = @(Get-MissingFeature -Installation $Installation)
    Add-InstallationProgress -Installation $Installation -Text "installs $($names.Count): $($names -join ', ')"
    try {
        # The cmdlet is a function of a module, which ignores this script's $ErrorActionPreference.
        Install-WindowsFeature -Name $names -ErrorAction Stop -WarningAction SilentlyContinue | Out-Null
    } catch {
        $remedy = 'If Windows Update or another installer is at work, let it end; read C:\Windows\Logs\CBS\CBS.log ' +
        'and C:\Windows\Logs\DISM\dism.log; then run this again.'
        Stop-Installation $Installation -Cause $_.Exception.Message -Remedy $remedy
    }
}
