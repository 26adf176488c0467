# Recycles application pools, so that IIS serves changed values at once and not only when its caches expire.

# A pool is due from the moment before its service is written until it is recycled. An empty file marks each due pool,
# so that the next run, of any version of these scripts, recycles the pools of a run that failed or was interrupted.
function Get-DuePoolPath {
    [CmdletBinding()]
    param([string] $Pool = '')
    Join-Path (Join-Path (Split-Path -Parent (Get-OriginalsPath)) 'due-app-pools') $Pool
}

function Get-KnownPool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange
    )
    $Exchange.Services.Values | ForEach-Object { $_.AppPools } | Select-Object -Unique
}

function Get-DuePool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange
    )
    Get-KnownPool -Exchange $Exchange | Where-Object { Test-Path -LiteralPath (Get-DuePoolPath $_) }
}

function Add-DuePool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Pool
    )
    if ($Pool.Count -eq 0) { return }
    $remedy = "Nothing was changed: let the operator write below $(Get-DuePoolPath), then run this again."
    Invoke-Step -Subject 'due-app-pools' -Remedy $remedy -Step {
        New-Item -ItemType Directory -Path (Get-DuePoolPath) -Force | Out-Null
        foreach ($poolName in $Pool) { New-Item -ItemType File -Path (Get-DuePoolPath $poolName) -Force | Out-Null }
    }
}

# Clears the mark of each pool of this server that is not in Except.
function Remove-DuePool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Except
    )
    foreach ($pool in @(Get-DuePool -Exchange $Exchange)) {
        if ($pool -notin $Except) { Remove-Item -LiteralPath (Get-DuePoolPath $pool) -ErrorAction SilentlyContinue }
    }
}

# Recycles the pools of the services that the report shows as changed or unknown, and those that were due earlier. Skips
# a pool that does not exist here or is stopped. Returns a sentence for each pool that could not be recycled; it stays
# due.
function Restart-NamespaceAppPool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $DueBefore,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $changedServices = @($Report['settings'].Keys | Where-Object {
            @($Report['settings'][$_].Values | Where-Object { $_['changed'] -ne $false }).Count -gt 0
        })
    $changedPools = @($changedServices | ForEach-Object { $Exchange.Services[$_].AppPools })
    $pools = @($changedPools + $DueBefore | Select-Object -Unique)
    $failedPools = @()
    $canRecycle = $true
    if ($pools.Count -gt 0) {
        try { Import-Module -Name WebAdministration -ErrorAction Stop } catch {
            $canRecycle = $false
            $services = @($pools | ForEach-Object { Get-PoolService $Exchange $_ }) -join ', '
            $failure = @{
                Subject = "$services, application pools $($pools -join ', ')"
                Cause   = $_.Exception.Message
                Remedy  = 'Install IIS Management Scripts and Tools there ' +
                '(Install-WindowsFeature Web-Scripting-Tools), ' +
                'then run this again, which recycles them; or set recycleAppPools: false in the stack file.'
            }
            Get-FailureText @failure
        }
    }
    foreach ($pool in $pools) {
        $problem = if ($canRecycle) { Restart-DuePool -Exchange $Exchange -Pool $pool -Report $Report }
        if ($problem) { $problem }
        if ($problem -or -not $canRecycle) { $failedPools += $pool }
    }
    Remove-DuePool -Exchange $Exchange -Except $failedPools
}

# Returns the name of the service whose own pool this is.
function Get-PoolService {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string] $Pool
    )
    @($Exchange.Services.Keys | Where-Object { $Exchange.Services[$_].AppPools[0] -eq $Pool })[0]
}

# Returns a sentence if the pool could not be recycled.
function Restart-DuePool {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string] $Pool,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
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
        $failure = @{
            Subject = "$(Get-PoolService $Exchange $Pool), application pool $Pool"
            Cause   = $_.Exception.Message
            Remedy  = 'Clients may still get the old values: run this again, which recycles the pool, ' +
            "or run Restart-WebAppPool -Name $Pool there."
        }
        Get-FailureText @failure
    }
}
