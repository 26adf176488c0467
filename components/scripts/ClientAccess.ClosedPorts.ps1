# Reads and sets Windows Firewall's stealth mode, which decides whether a connection to a closed port is reset or gets
# no answer (Microsoft KB 2586744).

$FirewallProfiles = 'DomainProfile', 'PublicProfile', 'StandardProfile'
# The private profile is StandardProfile in the firewall's own settings and PrivateProfile in group policy; old policies
# have StandardProfile as well.
$FirewallPolicyProfiles = @($FirewallProfiles) + 'PrivateProfile'
$FirewallKey = 'HKLM:\SYSTEM\CurrentControlSet\services\SharedAccess\Parameters\FirewallPolicy'
$FirewallPolicyKey = 'HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall'

function Get-ClosedPortsPath {
    Join-Path (Split-Path -Parent (Get-OriginalsPath)) 'original-closed-ports.json'
}

# True: keeps the present values in a file, then switches stealth mode off in every profile. False: puts back the values
# of that file, and changes nothing without a file. Fills the report's closedPorts.
function Set-ClosedPortAnswer {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [bool] $Reject,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $present = Read-StealthMode $FirewallKey $FirewallProfiles
    $wanted = if ($Reject) { New-ProfileTable 1 } else { Read-OriginalStealthMode }
    $Report['closedPorts']['rejected'] = Test-StealthModeOff $present
    if ($null -eq $wanted) { return }
    if ($Reject) {
        Assert-NoContraryPolicy
        Save-OriginalStealthMode -Present $present
    }
    $different = @($FirewallProfiles | Where-Object { $wanted[$_] -ne $present[$_] })
    $writing = @{
        Subject = 'rejectClosedPorts'
        Remedy  = "DisableStealthMode could not be written below ${FirewallKey}: fix that, then run this again."
    }
    Invoke-Step @writing -Step {
        foreach ($one in $different) { Write-StealthMode -FirewallProfile $one -Value $wanted[$one] }
    }
    $after = Read-StealthMode $FirewallKey $FirewallProfiles
    $Report['closedPorts']['rejected'] = Test-StealthModeOff $after
    $Report['closedPorts']['changed'] = [string[]] $different
    $wrong = @($FirewallProfiles | Where-Object { $wanted[$_] -ne $after[$_] })
    if ($wrong.Count -gt 0) {
        $failure = @{
            Subject = 'rejectClosedPorts'
            Cause   = "DisableStealthMode was written, but reads back otherwise: $($wrong -join ', ')"
            Remedy  = "Something else writes below ${FirewallKey}: stop that, then run this again."
        }
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (Get-FailureText @failure)
    }
    if (-not $Reject) {
        $removing = @{
            Subject = 'rejectClosedPorts'
            Remedy  = 'The firewall is as it was: delete this file by hand.'
        }
        Invoke-Step @removing -Step { Remove-Item -LiteralPath (Get-ClosedPortsPath) }
    }
    if ($different.Count -gt 0) {
        # Microsoft does not document when the firewall reads the values again, and does not support stopping its
        # service.
        $Report['closedPorts']['note'] = 'DisableStealthMode is written; ' +
        'the firewall follows at the latest when this server restarts.'
        Write-Note $Report['closedPorts']['note']
    }
}

# Returns profile -> 0, 1 or $null (there is no such value).
function Read-StealthMode {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Key,

        [Parameter(Mandatory)]
        [string[]] $FirewallProfile
    )
    $table = New-ProfileTable $null
    foreach ($one in $FirewallProfile) {
        $values = Get-ItemProperty -LiteralPath "$Key\$one" -Name 'DisableStealthMode' -ErrorAction SilentlyContinue
        $table[$one] = if ($values) { $values.DisableStealthMode } else { $null }
    }
    $table
}

function New-ProfileTable {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Value
    )
    $table = [ordered]@{}
    foreach ($one in $FirewallProfiles) { $table[$one] = $Value }
    $table
}

function Test-StealthModeOff {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Local
    )
    $policy = Read-StealthMode $FirewallPolicyKey $FirewallPolicyProfiles
    $inForce = @($FirewallProfiles | ForEach-Object { if ($null -ne $policy[$_]) { $policy[$_] } else { $Local[$_] } })
    if ($null -ne $policy['PrivateProfile']) { $inForce += $policy['PrivateProfile'] }
    @($inForce | Where-Object { $_ -ne 1 }).Count -eq 0
}

function Assert-NoContraryPolicy {
    $policy = Read-StealthMode $FirewallPolicyKey $FirewallPolicyProfiles
    $contrary = @($policy.Keys | Where-Object { $null -ne $policy[$_] -and $policy[$_] -ne 1 })
    if ($contrary.Count -gt 0) {
        $values = "$FirewallPolicyKey, DisableStealthMode in $($contrary -join ', ')"
        Stop-Run (
            "$env:COMPUTERNAME rejectClosedPorts: group policy keeps stealth mode on ($values) and wins over this " +
            'server''s own setting. The firewall was left as it is: change the policy, or set rejectClosedPorts: false.'
        )
    }
}

function Save-OriginalStealthMode {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Present
    )
    $path = Get-ClosedPortsPath
    if (Test-Path -LiteralPath $path) {
        Read-OriginalStealthMode | Out-Null
        return
    }
    $originals = [ordered]@{ server = $env:COMPUTERNAME; disableStealthMode = $Present }
    Save-NewFile -Path $path -Text (ConvertTo-Json -InputObject $originals -Depth 3)
}

# Returns $null if this project never changed stealth mode on this server.
function Read-OriginalStealthMode {
    $path = Get-ClosedPortsPath
    if (-not (Test-Path -LiteralPath $path)) { return $null }
    $what = "the firewall's original values"
    $kept = Get-Key (Read-KeptJson -Path $path -What $what) 'disableStealthMode'
    $isWhole = $kept -is [System.Management.Automation.PSCustomObject]
    $table = New-ProfileTable $null
    foreach ($one in $FirewallProfiles) {
        $table[$one] = Get-Key $kept $one
        # A key without a value means that the registry had no value. ConvertFrom-Json returns numbers as Int32 or
        # Int64.
        $isValue = $null -eq $table[$one] -or $table[$one] -is [int] -or $table[$one] -is [long]
        $isWhole = $isWhole -and $kept.PSObject.Properties[$one] -and $isValue
    }
    if (-not $isWhole) { Stop-KeptFile -Path $path -What $what -Problem 'cannot be understood' }
    $table
}

function Write-StealthMode {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $FirewallProfile,

        [AllowNull()]
        $Value
    )
    $place = @{ LiteralPath = "$FirewallKey\$FirewallProfile"; Name = 'DisableStealthMode'; ErrorAction = 'Stop' }
    if ($null -eq $Value) {
        Remove-ItemProperty @place
    } else {
        New-ItemProperty @place -PropertyType DWord -Value $Value -Force | Out-Null
    }
}
