# Records the settings of the services in the report, and compares them.

function New-NamespaceReport {
    [ordered]@{
        server           = $env:COMPUTERNAME
        exchangeVersion  = $null
        agreement        = $false
        changed          = 0
        settings         = [ordered]@{}
        recycledAppPools = [string[]]@()
        skipped          = [ordered]@{}
    }
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
        $current = if ($null -ne $After) { $After[$setting] } else { $null }
        $entry = [ordered]@{}
        Add-ReportedValue -Target $entry -Key 'before' -Kind $kind -Value $Before[$setting]
        $expectedValue = ConvertTo-PlainValue -Kind $kind -Value $Expected[$setting]
        Add-ReportedValue -Target $entry -Key 'expected' -Kind $kind -Value $expectedValue
        Add-ReportedValue -Target $entry -Key 'after' -Kind $kind -Value $current
        $entry['changed'] = if ($null -ne $After) { -not (Test-SameValue $Before[$setting] $current) } else { $null }
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

# Returns "EX1 ecp.ExternalUrl: Exchange reports nothing instead of https://... Remedy" for each setting that does not
# agree.
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
                Cause   = "Exchange reports $($values[0]) instead of $($values[1])"
                Remedy  = "Run this again; if that does not help, run $setter on that server and read its answer."
            }
            Get-FailureText @failure
        }
    }
}
