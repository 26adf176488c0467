# Reading, comparing and writing the settings of a service.

# Reads the named services into a table: service -> setting -> plain value. Services that this build of Exchange does not have are left out.
# Returns a sentence for each service that could not be read.
function Read-Namespace {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Name,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Into
    )
    foreach ($service in $Exchange.Services.Keys) {
        if ($service -notin $Name) { continue }
        try { $Into[$service] = Read-ServiceSetting -Exchange $Exchange -Service $Exchange.Services[$service] } catch {
            Get-FailureText -Subject $service -Said $_.Exception.Message -Remedy (
                "Mend it until $($Exchange.Services[$service].Getter) shows it, then run this again; " +
                "a service that is not wanted is opted out in the stack file (namespace.services.$service.enabled: false).")
        }
    }
}

function Assert-NoProblem {
    param(
        [Parameter(Mandatory = $true)] [string] $Message,
        [AllowNull()] [AllowEmptyCollection()] [string[]] $Problem
    )
    if (@($Problem | Where-Object { $_ }).Count -gt 0) { Stop-Run ("$Message`n  " + ($Problem -join "`n  ")) }
}

function Read-ServiceSetting {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Service
    )
    $object = Get-OwnObject -Exchange $Exchange -Service $Service
    $values = [ordered]@{}
    foreach ($setting in $Service.Settings.Keys) {
        $property = $object.PSObject.Properties[$setting]
        if (-not $property) { Stop-Run "$($Service.Getter) returned no property $setting" }
        Add-ReportedValue -Target $values -Key $setting -Kind $Service.Settings[$setting] -Value (ConvertTo-PlainValue -Kind $Service.Settings[$setting] -Value $property.Value)
    }
    $values
}

function Get-ObjectIdentity {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Service
    )
    if ($Service.Object) { "$($Exchange.Server)\$($Service.Object)" } else { $Exchange.Server }
}

# For an identity that does not exist, the Get cmdlets return the objects of all servers: only one object, and this very one, will do.
function Get-OwnObject {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Service
    )
    $identity = Get-ObjectIdentity -Exchange $Exchange -Service $Service
    $found = @(Invoke-ExchangeCmdlet $Service.Getter @{ Identity = $identity; DomainController = $Exchange.DomainController })
    $key = if ($Service.Object) { 'Identity' } else { 'Name' }
    $returned = @($found | ForEach-Object { "$($_.$key)" }) -join '; '
    if ($found.Count -ne 1 -or $returned -ne $identity) {
        Stop-Run "$($Service.Getter) finds no single object `"$identity`"; it returned $($found.Count): $returned"
    }
    $found[0]
}

# Brings every service to the expected values, recycles the application pools of what changed, and records both in the report.
# Stops writing at the first failure; what holds for every service is in the report nevertheless. Throws unless all agrees in the end.
# A pool is due before its service is written: a run that breaks off leaves it to the next one.
function Update-Namespace {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $toWrite = @($Present.Keys | Where-Object { @(Get-DifferentSetting $Exchange.Services[$_] $Expected[$_] $Present[$_]).Count -gt 0 })
    if ($Document.RecycleAppPools) {
        $earlier = @(Get-DuePool -Exchange $Exchange)
        Add-DuePool -Pool @($toWrite | ForEach-Object { $Exchange.Services[$_].AppPools })
    }
    $failures = @()
    $leftAlone = @()
    foreach ($name in $Present.Keys) {
        $after = $Present[$name]
        if ($name -in $toWrite -and $failures.Count -gt 0) {
            $leftAlone += $name
        } elseif ($name -in $toWrite) {
            $written = Write-ServiceSetting -Exchange $Exchange -Name $name -Expected $Expected[$name] -Present $Present[$name]
            $after = $written.After
            $failures += @($written.Failures)
        }
        Add-ServiceReport -Report $Report -Name $name -Kinds $Exchange.Services[$name].Settings -Expected $Expected[$name] -Before $Present[$name] -After $after
    }
    if ($leftAlone.Count -gt 0) { $failures += "Left alone after that: $($leftAlone -join ', ')." }
    if ($Document.RecycleAppPools) { $failures += @(Restart-NamespaceAppPool -Exchange $Exchange -Earlier $earlier -Report $Report) }
    $Report['agreement'] = Test-Agreement -Settings $Report['settings']
    Assert-NoProblem -Message "On $env:COMPUTERNAME not everything could be done:" -Problem $failures
    if (-not $Report['agreement']) {
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (
            "Exchange on $env:COMPUTERNAME reported no error, but reads back other values:`n  " +
            (@(Get-DisagreementSentence -Exchange $Exchange -Settings $Report['settings']) -join "`n  "))
    }
}

# Writes one service and reads it again. Returns After ($null: nobody knows) and Failures, sentences.
function Write-ServiceSetting {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present
    )
    $service = $Exchange.Services[$Name]
    $written = [pscustomobject]@{ After = $null; Failures = @() }
    try { Set-ServiceSetting -Exchange $Exchange -Service $service -Expected $Expected -Present $Present } catch {
        $written.Failures += Get-FailureText -Subject $Name -Said $_.Exception.Message -Remedy (
            "$($service.Setter) failed: mend the cause, then run this again; what agrees already is not written again.")
    }
    # A call that failed may have written all the same.
    try { $written.After = Read-ServiceSetting -Exchange $Exchange -Service $service } catch {
        $written.Failures += Get-FailureText -Subject $Name -Said $_.Exception.Message -Remedy (
            "$($service.Getter) failed after $($service.Setter), so what holds now is not known: run this again, it reads first.")
    }
    $written
}

# "EX1 ecp.ExternalUrl: reads back nothing instead of https://... Remedy", of each setting that does not agree.
function Get-DisagreementSentence {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Settings
    )
    foreach ($name in $Settings.Keys) {
        foreach ($setting in $Settings[$name].Keys) {
            $entry = $Settings[$name][$setting]
            if (Test-SameValue $entry['expected'] $entry['after']) { continue }
            $values = @('after', 'expected' | ForEach-Object { if ("$($entry[$_])") { $entry[$_] -join ', ' } else { 'nothing' } })
            Get-FailureText -Subject "$name.$setting" -Said "reads back $($values[0]) instead of $($values[1])" -Remedy (
                "Run this again; if it stays so, look at what $($Exchange.Services[$name].Setter) says there by hand.")
        }
    }
}

# The names of the settings that are not as expected.
function Get-DifferentSetting {
    param(
        [Parameter(Mandatory = $true)] $Service,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present
    )
    $Expected.Keys | Where-Object { -not (Test-SameValue (ConvertTo-PlainValue -Kind $Service.Settings[$_] -Value $Expected[$_]) $Present[$_]) }
}

# One Set call with what differs, and with what the cmdlet wants beside it.
function Set-ServiceSetting {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Service,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present
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

# After is $null when the object could not be read again; then nobody knows what changed, either.
function Add-ServiceReport {
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Kinds,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Before,
        [AllowNull()] [System.Collections.IDictionary] $After
    )
    $Report['settings'][$Name] = [ordered]@{}
    foreach ($setting in $Expected.Keys) {
        $kind = $Kinds[$setting]
        $now = if ($null -ne $After) { $After[$setting] } else { $null }
        $entry = [ordered]@{}
        Add-ReportedValue -Target $entry -Key 'before' -Kind $kind -Value $Before[$setting]
        Add-ReportedValue -Target $entry -Key 'expected' -Kind $kind -Value (ConvertTo-PlainValue -Kind $kind -Value $Expected[$setting])
        Add-ReportedValue -Target $entry -Key 'after' -Kind $kind -Value $now
        $entry['changed'] = if ($null -ne $After) { -not (Test-SameValue $Before[$setting] $now) } else { $null }
        if ($entry['changed']) { $Report['changed']++ }
        $Report['settings'][$Name][$setting] = $entry
    }
}

function Test-Agreement {
    param([Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Settings)
    foreach ($service in $Settings.Values) {
        foreach ($entry in $service.Values) {
            if ($null -eq $entry['changed'] -or -not (Test-SameValue $entry['expected'] $entry['after'])) { return $false }
        }
    }
    $true
}
