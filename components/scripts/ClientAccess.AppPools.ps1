# Recycling application pools, so that changed values are served at once instead of when a cache ends.

# A pool is due from before its service is written until it is recycled: one empty file each, beside the scripts' folders, so that a run that fails
# or breaks off leaves it to the next one, of whatever version.
function Get-DuePoolPath {
    param([string] $Pool = '')
    Join-Path (Join-Path (Split-Path -Parent (Get-OriginalsPath)) 'due-app-pools') $Pool
}

function Get-KnownPool {
    param([Parameter(Mandatory = $true)] $Exchange)
    $Exchange.Services.Values | ForEach-Object { $_.AppPools } | Select-Object -Unique
}

function Get-DuePool {
    param([Parameter(Mandatory = $true)] $Exchange)
    Get-KnownPool -Exchange $Exchange | Where-Object { Test-Path -LiteralPath (Get-DuePoolPath $_) }
}

function Add-DuePool {
    param([Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Pool)
    if ($Pool.Count -eq 0) { return }
    Invoke-Step -Subject 'due-app-pools' -Remedy "Nothing was changed: let the operator write below $(Get-DuePoolPath), then run this again." -Step {
        New-Item -ItemType Directory -Path (Get-DuePoolPath) -Force | Out-Null
        foreach ($one in $Pool) { New-Item -ItemType File -Path (Get-DuePoolPath $one) -Force | Out-Null }
    }
}

# Of this server's pools: what is not named stays due no longer.
function Remove-DuePool {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Except
    )
    foreach ($pool in @(Get-DuePool -Exchange $Exchange)) {
        if ($pool -notin $Except) { Remove-Item -LiteralPath (Get-DuePoolPath $pool) -ErrorAction SilentlyContinue }
    }
}

# The pools of the services that were changed, as far as the report knows, and those that were due earlier. A pool that does not exist here, or is stopped, is
# left alone. Returns a sentence for each pool that could not be recycled; it stays due.
function Restart-NamespaceAppPool {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Earlier,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $changed = @($Report['settings'].Keys | Where-Object { @($Report['settings'][$_].Values | Where-Object { $_['changed'] -ne $false }).Count -gt 0 })
    $pools = @(@($changed | ForEach-Object { $Exchange.Services[$_].AppPools }) + $Earlier | Select-Object -Unique)
    $failed = @()
    $ready = $true
    if ($pools.Count -gt 0) {
        try { Import-Module -Name WebAdministration -ErrorAction Stop } catch {
            $ready = $false
            Get-FailureText -Subject "$(@($pools | ForEach-Object { Get-PoolService $Exchange $_ }) -join ', '), application pools $($pools -join ', ')" -Said $_.Exception.Message -Remedy (
                'Install IIS Management Scripts and Tools there (Install-WindowsFeature Web-Scripting-Tools), then run this again, which recycles them; ' +
                'or set recycleAppPools: false in the stack file.')
        }
    }
    foreach ($pool in $pools) {
        $problem = if ($ready) { Restart-DuePool -Exchange $Exchange -Pool $pool -Report $Report }
        if ($problem) { $problem }
        if ($problem -or -not $ready) { $failed += $pool }
    }
    Remove-DuePool -Exchange $Exchange -Except $failed
}

# The service whose own pool this is.
function Get-PoolService {
    param([Parameter(Mandatory = $true)] $Exchange, [Parameter(Mandatory = $true)] [string] $Pool)
    @($Exchange.Services.Keys | Where-Object { $Exchange.Services[$_].AppPools[0] -eq $Pool })[0]
}

# Returns a sentence if it could not be done.
function Restart-DuePool {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [string] $Pool,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $state = Get-WebAppPoolState -Name $Pool -ErrorAction SilentlyContinue
    if (-not $state -or $state.Value -ne 'Started') {
        Write-Note "Application pool ${Pool}: not running here, not recycled."
        return
    }
    try {
        Restart-WebAppPool -Name $Pool -ErrorAction Stop
        $Report['recycledAppPools'] += $Pool
    } catch {
        Get-FailureText -Subject "$(Get-PoolService $Exchange $Pool), application pool $Pool" -Said $_.Exception.Message -Remedy (
            "It may serve what it served before: run this again, which recycles it, or run Restart-WebAppPool -Name $Pool there.")
    }
}
