# Reads and checks the document of Set-ClientAccessNamespace.ps1; Get- and Restore-ClientAccessNamespace.ps1 accept it.

# Returns Server, ExchangeVersion, RecycleAppPools, Settings (service -> setting -> value) and Credential (or $null).
function Read-NamespaceDocument {
    [CmdletBinding()]
    param([switch] $WithSettings)
    $json = Read-Document {
        param($Document)
        Get-BooleanProblem $Document 'recycleAppPools' -Optional
        if ($WithSettings) {
            Get-UnknownKeyProblem $Document 'server', 'exchangeVersion', 'recycleAppPools', 'settings', 'credential'
            Get-SettingsProblem $Document
        }
    }
    $recycle = Get-Key $json 'recycleAppPools'
    [pscustomobject]@{
        Server          = $json.server
        ExchangeVersion = $json.exchangeVersion
        RecycleAppPools = $null -eq $recycle -or $recycle
        Settings        = ConvertTo-SettingsTable (Get-Key $json 'settings')
        Credential      = ConvertTo-DocumentCredential (Get-Key $json 'credential')
    }
}

function Get-SettingsProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Json
    )
    $settings = ConvertTo-SettingsTable (Get-Key $Json 'settings')
    if ($settings.Count -eq 0) { return 'settings: missing or empty; name at least one service' }
    # Services and settings have the same names in every version.
    $table = Get-NamespaceServiceTable -ExchangeVersion '2016'
    foreach ($service in $settings.Keys) {
        if (-not $table.Contains($service)) {
            "settings.${service}: unknown service; known are $($table.Keys -join ', ')"
            continue
        }
        if ($settings[$service].Count -eq 0) {
            "settings.${service}: empty; name a setting or leave the service out"
        }
        foreach ($setting in $settings[$service].Keys) {
            $problem = if (-not $table[$service].Settings.Contains($setting)) {
                "unknown setting; known are $($table[$service].Settings.Keys -join ', ')"
            } else {
                Get-ValueProblem -Kind $table[$service].Settings[$setting] -Value $settings[$service][$setting]
            }
            if ($problem) { "settings.$service.${setting}: $problem" }
        }
    }
    if ($settings.Contains('outlookAnywhere')) { Get-OutlookAnywhereProblem $settings['outlookAnywhere'] }
}

# Returns a sentence for each combination that Set-OutlookAnywhere refuses, or takes but reads back otherwise.
function Get-OutlookAnywhereProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Settings
    )
    foreach ($side in 'Internal', 'External') {
        $group = "${side}Hostname", "${side}ClientsRequireSsl", "${side}ClientAuthenticationMethod"
        $missing = @($group | Where-Object { -not $Settings.Contains($_) })
        if ($missing.Count -in 1, 2) {
            "settings.outlookAnywhere: $($group -join ', ') go together; missing: $($missing -join ', ')"
        }
        $requireSsl = $Settings["${side}ClientsRequireSsl"]
        # Without an external host name Exchange keeps ExternalClientsRequireSsl false and does not require TLS.
        $isCleared = $side -eq 'External' -and -not $Settings['ExternalHostname']
        if ($requireSsl -eq $true -and $isCleared) {
            'settings.outlookAnywhere.ExternalClientsRequireSsl: true needs ExternalHostname, ' +
            'because Exchange stores false without one; make it false'
        }
        $isOffloadingOff = $Settings.Contains('SSLOffloading') -and $Settings['SSLOffloading'] -eq $false
        if ($isOffloadingOff -and $requireSsl -eq $false -and -not $isCleared) {
            "settings.outlookAnywhere.SSLOffloading: false contradicts ${side}ClientsRequireSsl false; " +
            'make one of them true'
        }
    }
}

# Returns service -> setting -> value from an object of ConvertFrom-Json.
function ConvertTo-SettingsTable {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Json
    )
    $table = [ordered]@{}
    if ($Json -isnot [System.Management.Automation.PSCustomObject]) { return $table }
    foreach ($service in $Json.PSObject.Properties) {
        $table[$service.Name] = [ordered]@{}
        if ($service.Value -isnot [System.Management.Automation.PSCustomObject]) { continue }
        foreach ($setting in $service.Value.PSObject.Properties) {
            $table[$service.Name][$setting.Name] = $setting.Value
        }
    }
    $table
}
