# Writes the settings of the services, reads them again, and records both in the report.

# Writes the expected values of every service, recycles the application pools of the changed ones, and records both in
# the report. Stops writing at the first failure, but still reports the values of every service. Stops the run unless
# all values agree in the end. Marks a pool as due before its service is written, so that the next run recycles it if
# this one fails.
function Update-Namespace {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Expected,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Present,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $toWrite = @($Present.Keys | Where-Object {
            @(Get-DifferentSetting $Exchange.Services[$_] $Expected[$_] $Present[$_]).Count -gt 0
        })
    if ($Document.RecycleAppPools) {
        $earlier = @(Get-DuePool -Exchange $Exchange)
        Add-DuePool -Pool @($toWrite | ForEach-Object { $Exchange.Services[$_].AppPools })
    }
    $failures = @()
    $notAttempted = @()
    foreach ($name in $Present.Keys) {
        $after = $Present[$name]
        if ($name -in $toWrite -and $failures.Count -gt 0) {
            $notAttempted += $name
        } elseif ($name -in $toWrite) {
            $service = @{
                Exchange = $Exchange
                Name     = $name
                Expected = $Expected[$name]
                Present  = $Present[$name]
            }
            $written = Write-ServiceSetting @service
            $after = $written.After
            $failures += @($written.Failures)
        }
        $values = @{
            Kinds    = $Exchange.Services[$name].Settings
            Expected = $Expected[$name]
            Before   = $Present[$name]
            After    = $after
        }
        Add-ServiceReport -Report $Report -Name $name @values
    }
    if ($notAttempted.Count -gt 0) { $failures += "Not attempted after that: $($notAttempted -join ', ')." }
    if ($Document.RecycleAppPools) {
        $failures += @(Restart-NamespaceAppPool -Exchange $Exchange -Earlier $earlier -Report $Report)
    }
    $Report['agreement'] = Test-Agreement -Settings $Report['settings']
    Assert-NoProblem -Message "On $env:COMPUTERNAME not everything could be done:" -Problem $failures
    if (-not $Report['agreement']) {
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
            "Exchange on $env:COMPUTERNAME reported no error, but reads back other values:`n  " +
            (@(Get-DisagreementSentence -Exchange $Exchange -Settings $Report['settings']) -join "`n  ")
        )
    }
}

# Writes one service and reads it again. Returns After (its values, $null if unknown) and Failures (sentences).
function Write-ServiceSetting {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Expected,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Present
    )
    $service = $Exchange.Services[$Name]
    $written = [pscustomobject]@{ After = $null; Failures = @() }
    try {
        Set-ServiceSetting -Exchange $Exchange -Service $service -Expected $Expected -Present $Present
    } catch {
        $failure = @{
            Subject = $Name
            Cause   = $_.Exception.Message
            Remedy  = "$($service.Setter) failed: fix the cause, then run this again; " +
            'what agrees already is not written again.'
        }
        $written.Failures += Get-FailureText @failure
    }
    # Read after a failure as well: a call that failed may have written.
    try {
        $written.After = Read-ServiceSetting -Exchange $Exchange -Service $service
    } catch {
        $failure = @{
            Subject = $Name
            Cause   = $_.Exception.Message
            Remedy  = "$($service.Getter) failed after $($service.Setter), so what holds now is not known: " +
            'run this again, it reads first.'
        }
        $written.Failures += Get-FailureText @failure
    }
    $written
}

# Returns "EX1 ecp.ExternalUrl: reads back nothing instead of https://... Remedy" for each setting that does not agree.
function Get-DisagreementSentence {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Settings
    )
    foreach ($name in $Settings.Keys) {
        foreach ($setting in $Settings[$name].Keys) {
            $entry = $Settings[$name][$setting]
            if (Test-SameValue $entry['expected'] $entry['after']) { continue }
            $values = @('after', 'expected' | ForEach-Object {
                    if ("$($entry[$_])") { $entry[$_] -join ', ' } else { 'nothing' }
                })
            $setter = $Exchange.Services[$name].Setter
            $failure = @{
                Subject = "$name.$setting"
                Cause   = "reads back $($values[0]) instead of $($values[1])"
                Remedy  = "Run this again; if it stays so, look at what $setter says there by hand."
            }
            Get-FailureText @failure
        }
    }
}

# Calls the Set cmdlet once, with the settings that differ and those that the cmdlet requires together with them.
function Set-ServiceSetting {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Service,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Expected,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Present
    )
    $different = @(Get-DifferentSetting $Service $Expected $Present)
    $parameters = $Service.SetParameters + @{
        Identity         = Get-ObjectIdentity -Exchange $Exchange -Service $Service
        DomainController = $Exchange.DomainController
        Confirm          = $false
    }
    foreach ($setting in $different) { $parameters[$setting] = $Expected[$setting] }
    foreach ($group in $Service.Together) {
        if (-not @($group | Where-Object { $_ -in $different })) { continue }
        foreach ($setting in $group) {
            $value = if ($Expected.Contains($setting)) { $Expected[$setting] } else { $Present[$setting] }
            if ($Expected.Contains($setting) -or $null -ne $value) { $parameters[$setting] = $value }
        }
    }
    Invoke-ExchangeCmdlet $Service.Setter $parameters | Out-Null
}

# Records before, expected and after of each setting. After is $null if the object could not be read again; then
# "changed" is unknown, too.
function Add-ServiceReport {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Kinds,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Expected,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Before,

        [AllowNull()]
        [System.Collections.IDictionary] $After
    )
    $Report['settings'][$Name] = [ordered]@{}
    foreach ($setting in $Expected.Keys) {
        $kind = $Kinds[$setting]
        $now = if ($null -ne $After) { $After[$setting] } else { $null }
        $entry = [ordered]@{}
        Add-ReportedValue -Target $entry -Key 'before' -Kind $kind -Value $Before[$setting]
        $wanted = ConvertTo-PlainValue -Kind $kind -Value $Expected[$setting]
        Add-ReportedValue -Target $entry -Key 'expected' -Kind $kind -Value $wanted
        Add-ReportedValue -Target $entry -Key 'after' -Kind $kind -Value $now
        $entry['changed'] = if ($null -ne $After) { -not (Test-SameValue $Before[$setting] $now) } else { $null }
        if ($entry['changed']) { $Report['changed']++ }
        $Report['settings'][$Name][$setting] = $entry
    }
}

function Test-Agreement {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Settings
    )
    foreach ($service in $Settings.Values) {
        foreach ($entry in $service.Values) {
            $isSame = Test-SameValue $entry['expected'] $entry['after']
            if ($null -eq $entry['changed'] -or -not $isSame) { return $false }
        }
    }
    $true
}
