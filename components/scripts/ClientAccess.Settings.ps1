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
        try { $Into[$service] = Read-ServiceSetting -Exchange $Exchange -Service $Exchange.Services[$service] } catch { "${service}: $($_.Exception.Message)" }
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
function Update-Namespace {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report
    )
    $failures = @()
    foreach ($name in $Present.Keys) {
        $change = @{ Exchange = $Exchange; Service = $Exchange.Services[$name] }
        $after = $Present[$name]
        if ($failures.Count -eq 0) {
            try {
                if (Set-ServiceSetting @change -Expected $Expected[$name] -Present $Present[$name]) { $after = Read-ServiceSetting @change }
            } catch {
                $failures += "${name}: $($_.Exception.Message)"
                # A call that failed may have written all the same; $null says that nobody knows.
                try { $after = Read-ServiceSetting @change } catch { $after = $null }
            }
        }
        Add-ServiceReport -Report $Report -Name $name -Kinds $Exchange.Services[$name].Settings -Expected $Expected[$name] -Before $Present[$name] -After $after
    }
    if ($Document.RecycleAppPools) { $failures += @(Restart-NamespaceAppPool -Exchange $Exchange -Report $Report) }
    $Report['agreement'] = Test-Agreement -Settings $Report['settings']
    Assert-NoProblem -Message 'Not everything could be done; after a setting that could not be written, the services behind it were left alone.' -Problem $failures
    if (-not $Report['agreement']) {
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message 'Exchange took the settings, but reads back other values: see "expected" and "after" in the output.'
    }
}

# One Set call with what differs, and with what the cmdlet wants beside it; none when all is as expected. Returns whether it wrote.
function Set-ServiceSetting {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Service,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Expected,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Present
    )
    $different = @($Expected.Keys | Where-Object {
            -not (Test-SameValue (ConvertTo-PlainValue -Kind $Service.Settings[$_] -Value $Expected[$_]) $Present[$_])
        })
    if ($different.Count -eq 0) { return $false }
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
    $true
}

# After is $null when the object could not be read again.
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
        $entry['changed'] = -not (Test-SameValue $Before[$setting] $now)
        if ($entry['changed']) { $Report['changed']++ }
        $Report['settings'][$Name][$setting] = $entry
    }
}

function Test-Agreement {
    param([Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Settings)
    foreach ($service in $Settings.Values) {
        foreach ($entry in $service.Values) {
            if (-not (Test-SameValue $entry['expected'] $entry['after'])) { return $false }
        }
    }
    $true
}
