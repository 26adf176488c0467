# Recycling application pools, so that changed values are served at once instead of when a cache ends.

# The pools of the services that the report says were changed. A pool that does not exist here, or is stopped, is left alone.
# Returns a sentence for each pool that could not be recycled.
function Restart-NamespaceAppPool {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $changed = @($Report['settings'].Keys | Where-Object { @($Report['settings'][$_].Values | Where-Object { $_['changed'] }).Count -gt 0 })
    $pools = @($changed | ForEach-Object { $Exchange.Services[$_].AppPools } | Select-Object -Unique)
    if ($pools.Count -eq 0) { return }
    Import-Module -Name WebAdministration
    foreach ($pool in $pools) {
        $state = Get-WebAppPoolState -Name $pool -ErrorAction SilentlyContinue
        if (-not $state -or $state.Value -ne 'Started') {
            Write-Note "Application pool ${pool}: not running here, not recycled."
            continue
        }
        try {
            Restart-WebAppPool -Name $pool -ErrorAction Stop
            $Report['recycledAppPools'] += $pool
        } catch {
            "application pool ${pool}: $($_.Exception.Message) The settings are written; run Restart-WebAppPool -Name $pool."
        }
    }
}
