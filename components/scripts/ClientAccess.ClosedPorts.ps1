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
    $expected = if ($Reject) { New-ProfileTable 1 } else { Read-OriginalStealthMode }
    $Report['closedPorts']['rejected'] = Test-StealthModeOff $present
    if ($null -eq $expected) { return }
    if ($Reject) {
        Assert-NoContraryPolicy
        Save-OriginalStealthMode -Present $present
    }
    $changedProfiles = @($FirewallProfiles | Where-Object { $expected[$_] -ne $present[$_] })
    $writing = @{
        Subject = 'rejectClosedPorts'
        Remedy  = "DisableStealthMode could not be written below ${FirewallKey}: fix the cause, then run this again."
    }
    Invoke-Step @writing -Step {
        foreach ($name in $changedProfiles) { Write-StealthMode -FirewallProfile $name -Value $expected[$name] }
    }
    $after = Read-StealthMode $FirewallKey $FirewallProfiles
    $Report['closedPorts']['rejected'] = Test-StealthModeOff $after
    $Report['closedPorts']['changed'] = [string[]] $changedProfiles
    $wrongProfiles = @($FirewallProfiles | Where-Object { $expected[$_] -ne $after[$_] })
    if ($wrongProfiles.Count -gt 0) {
        $failure = @{
            Subject = 'rejectClosedPorts'
            Cause   = 'DisableStealthMode was written, but the registry shows another value in ' +
            ($wrongProfiles -join ', ')
            Remedy  = "Something else writes below ${FirewallKey}: stop that, then run this again."
        }
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (Get-FailureText @failure)
    }
    if (-not $Reject) {
        $removing = @{
            Subject = 'rejectClosedPorts'
            Remedy  = 'The firewall has its original values again: delete this file by hand.'
        }
        Invoke-Step @removing -Step { Remove-Item -LiteralPath (Get-ClosedPortsPath) }
    }
    if ($changedProfiles.Count -gt 0) {
        # Microsoft does not document when the firewall reads the values again, and does not support stopping its
        # service.
        $Report['closedPorts']['note'] = 'DisableStealthMode is written; ' +
        'the firewall uses it at the latest after the next restart of this server.'
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
    foreach ($name in $FirewallProfile) {
        $values = Get-ItemProperty -LiteralPath "$Key\$name" -Name 'DisableStealthMode' -ErrorAction SilentlyContinue
        $table[$name] = if ($values) { $values.DisableStealthMode } else { $null }
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
    foreach ($name in $FirewallProfiles) { $table[$name] = $Value }
    $table
}

function Test-StealthModeOff {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Local
    )
    $policy = Read-StealthMode $FirewallPolicyKey $FirewallPolicyProfiles
    $effective = @($FirewallProfiles | ForEach-Object {
            if ($null -ne $policy[$_]) { $policy[$_] } else { $Local[$_] }
        })
    if ($null -ne $policy['PrivateProfile']) { $effective += $policy['PrivateProfile'] }
    @($effective | Where-Object { $_ -ne 1 }).Count -eq 0
}

function Assert-NoContraryPolicy {
    $policy = Read-StealthMode $FirewallPolicyKey $FirewallPolicyProfiles
    $contrary = @($policy.Keys | Where-Object { $null -ne $policy[$_] -and $policy[$_] -ne 1 })
    if ($contrary.Count -gt 0) {
        $values = "$FirewallPolicyKey, DisableStealthMode in $($contrary -join ', ')"
        Stop-Run (
            "$env:COMPUTERNAME rejectClosedPorts: group policy keeps stealth mode on ($values) and wins over this " +
            'server''s own setting. The firewall was not changed: change the policy, or set rejectClosedPorts: false.'
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
    $valuesName = "the firewall's original values"
    $original = Get-Key (Read-KeptJson -Path $path -What $valuesName) 'disableStealthMode'
    $isWhole = $original -is [System.Management.Automation.PSCustomObject]
    $table = New-ProfileTable $null
    foreach ($name in $FirewallProfiles) {
        $table[$name] = Get-Key $original $name
        # A key without a value means that the registry had no value. ConvertFrom-Json returns numbers as Int32 or
        # Int64.
        $isValue = $null -eq $table[$name] -or $table[$name] -is [int] -or $table[$name] -is [long]
        $isWhole = $isWhole -and $original.PSObject.Properties[$name] -and $isValue
    }
    if (-not $isWhole) { Stop-KeptFile -Path $path -What $valuesName -Problem 'is damaged' }
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
