# Windows Firewall's stealth mode: whether a connect to a closed port gets a reset, or silence (Microsoft KB 2586744).

$FirewallProfiles = 'DomainProfile', 'PublicProfile', 'StandardProfile'
# The firewall's own settings call the private profile StandardProfile, group policy PrivateProfile; old policies have StandardProfile, too.
$FirewallPolicyProfiles = @($FirewallProfiles) + 'PrivateProfile'
$FirewallKey = 'HKLM:\SYSTEM\CurrentControlSet\services\SharedAccess\Parameters\FirewallPolicy'
$FirewallPolicyKey = 'HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall'

function Get-ClosedPortsPath {
    Join-Path (Split-Path -Parent (Get-OriginalsPath)) 'original-closed-ports.json'
}

# True: stealth mode is off in every profile; what was there before is kept in a file. False: what the file holds is put back, and nothing is
# touched without one. Fills the report's closedPorts.
function Set-ClosedPortAnswer {
    param(
        [Parameter(Mandatory = $true)] [bool] $Reject,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $present = Read-StealthMode $FirewallKey $FirewallProfiles
    $wanted = if ($Reject) { New-ProfileTable 1 } else { Read-OriginalStealthMode }
    $Report['closedPorts']['rejected'] = Test-StealthModeOff $present
    if ($null -eq $wanted) { return }
    if ($Reject) {
        Assert-NoContrary
        Save-OriginalStealthMode -Present $present
    }
    $different = @($FirewallProfiles | Where-Object { $wanted[$_] -ne $present[$_] })
    Invoke-Step -Subject 'rejectClosedPorts' -Remedy "DisableStealthMode could not be written below ${FirewallKey}: mend that, then run this again." -Step {
        foreach ($one in $different) { Write-StealthMode -FirewallProfile $one -Value $wanted[$one] }
    }
    $after = Read-StealthMode $FirewallKey $FirewallProfiles
    $Report['closedPorts']['rejected'] = Test-StealthModeOff $after
    $Report['closedPorts']['changed'] = [string[]] $different
    $wrong = @($FirewallProfiles | Where-Object { $wanted[$_] -ne $after[$_] })
    if ($wrong.Count -gt 0) {
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
            Get-FailureText -Subject 'rejectClosedPorts' -Said "DisableStealthMode was written, but reads back otherwise: $($wrong -join ', ')" -Remedy (
                "Something else writes below ${FirewallKey}: stop that, then run this again."))
    }
    if (-not $Reject) {
        Invoke-Step -Subject 'rejectClosedPorts' -Remedy 'The firewall is as it was: delete this file by hand.' -Step { Remove-Item -LiteralPath (Get-ClosedPortsPath) }
    }
    if ($different.Count -gt 0) {
        # Microsoft does not say when the firewall reads the values again, and does not support stopping its service.
        $Report['closedPorts']['note'] = "DisableStealthMode is written; the firewall follows at the latest when this server restarts."
        Write-Note $Report['closedPorts']['note']
    }
}

# Profile -> 0, 1 or $null (no such value).
function Read-StealthMode {
    param(
        [Parameter(Mandatory = $true)] [string] $Key,
        [Parameter(Mandatory = $true)] [string[]] $FirewallProfile
    )
    $table = New-ProfileTable $null
    foreach ($one in $FirewallProfile) {
        $values = Get-ItemProperty -LiteralPath "$Key\$one" -Name 'DisableStealthMode' -ErrorAction SilentlyContinue
        $table[$one] = if ($values) { $values.DisableStealthMode } else { $null }
    }
    $table
}

function New-ProfileTable {
    param([AllowNull()] $Value)
    $table = [ordered]@{}
    foreach ($one in $FirewallProfiles) { $table[$one] = $Value }
    $table
}

function Test-StealthModeOff {
    param([Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Local)
    $policy = Read-StealthMode $FirewallPolicyKey $FirewallPolicyProfiles
    $inForce = @($FirewallProfiles | ForEach-Object { if ($null -ne $policy[$_]) { $policy[$_] } else { $Local[$_] } })
    if ($null -ne $policy['PrivateProfile']) { $inForce += $policy['PrivateProfile'] }
    @($inForce | Where-Object { $_ -ne 1 }).Count -eq 0
}

function Assert-NoContrary {
    $policy = Read-StealthMode $FirewallPolicyKey $FirewallPolicyProfiles
    $contrary = @($policy.Keys | Where-Object { $null -ne $policy[$_] -and $policy[$_] -ne 1 })
    if ($contrary.Count -gt 0) {
        Stop-Run ("$env:COMPUTERNAME rejectClosedPorts: group policy keeps stealth mode on ($FirewallPolicyKey, DisableStealthMode in $($contrary -join ', ')) and wins over this " +
            'server''s own setting. The firewall was left as it is: change the policy, or set rejectClosedPorts: false.')
    }
}

function Save-OriginalStealthMode {
    param([Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present)
    $path = Get-ClosedPortsPath
    if (Test-Path -LiteralPath $path) { Read-OriginalStealthMode | Out-Null; return }
    Save-NewFile -Path $path -Text (ConvertTo-Json -InputObject ([ordered]@{ server = $env:COMPUTERNAME; disableStealthMode = $Present }) -Depth 3)
}

# $null when this project has never changed it here.
function Read-OriginalStealthMode {
    $path = Get-ClosedPortsPath
    if (-not (Test-Path -LiteralPath $path)) { return $null }
    $what = "the firewall's original values"
    $kept = Get-Key (Read-KeptJson -Path $path -What $what) 'disableStealthMode'
    $isWhole = $kept -is [System.Management.Automation.PSCustomObject]
    $table = New-ProfileTable $null
    foreach ($one in $FirewallProfiles) {
        $table[$one] = Get-Key $kept $one
        # The key is there, with no value where the registry had none. ConvertFrom-Json makes Int32 or Int64 of a number.
        $isWhole = $isWhole -and $kept.PSObject.Properties[$one] -and ($null -eq $table[$one] -or $table[$one] -is [int] -or $table[$one] -is [long])
    }
    if (-not $isWhole) { Stop-KeptFile -Path $path -What $what -Problem 'cannot be understood' }
    $table
}

function Write-StealthMode {
    param(
        [Parameter(Mandatory = $true)] [string] $FirewallProfile,
        [AllowNull()] $Value
    )
    $place = @{ LiteralPath = "$FirewallKey\$FirewallProfile"; Name = 'DisableStealthMode'; ErrorAction = 'Stop' }
    if ($null -eq $Value) { Remove-ItemProperty @place } else { New-ItemProperty @place -PropertyType DWord -Value $Value -Force | Out-Null }
}
