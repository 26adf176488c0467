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
    $servicesToWrite = @($Present.Keys | Where-Object {
            @(Get-DifferentSetting $Exchange.Services[$_] $Expected[$_] $Present[$_]).Count -gt 0
        })
    if ($Document.RecycleAppPools) {
        $dueBefore = @(Get-DuePool -Exchange $Exchange)
        Add-DuePool -Pool @($servicesToWrite | ForEach-Object { $Exchange.Services[$_].AppPools })
    }
    $failures = @()
    $notAttempted = @()
    foreach ($name in $Present.Keys) {
        $after = $Present[$name]
        if ($name -in $servicesToWrite -and $failures.Count -gt 0) {
            $notAttempted += $name
        } elseif ($name -in $servicesToWrite) {
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
        $failures += @(Restart-NamespaceAppPool -Exchange $Exchange -DueBefore $dueBefore -Report $Report)
    }
    $Report['agreement'] = Test-Agreement -Settings $Report['settings']
    Assert-NoProblem -Message "Some steps failed on ${env:COMPUTERNAME}:" -Problem $failures
    if (-not $Report['agreement']) {
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
            "Exchange on $env:COMPUTERNAME accepted every setting, but now reports other values:`n  " +
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
            'settings that agree already are not written again.'
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
            Remedy  = "$($service.Getter) failed after $($service.Setter), so the present values are unknown: " +
            'run this again, which reads them first.'
        }
        $written.Failures += Get-FailureText @failure
    }
    $written
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
    $toWrite = @(Get-DifferentSetting $Service $Expected $Present)
    $parameters = $Service.SetParameters + @{
        Identity         = Get-ObjectIdentity -Exchange $Exchange -Service $Service
        DomainController = $Exchange.DomainController
        Confirm          = $false
    }
    foreach ($setting in $toWrite) { $parameters[$setting] = $Expected[$setting] }
    foreach ($group in $Service.Together) {
        if (-not @($group | Where-Object { $_ -in $toWrite })) { continue }
        foreach ($setting in $group) {
            $value = if ($Expected.Contains($setting)) { $Expected[$setting] } else { $Present[$setting] }
            if ($Expected.Contains($setting) -or $null -ne $value) { $parameters[$setting] = $value }
        }
    }
    Invoke-ExchangeCmdlet $Service.Setter $parameters | Out-Null
}
