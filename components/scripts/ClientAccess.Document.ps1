# The JSON document on standard input, and what the documents of all scripts have in common; then the document of the namespace.

# Returns what ConvertFrom-Json makes of it. Every problem of the document is reported in one go, before anything is touched; FindProblem is
# called with the document and returns a sentence for each problem beyond server, exchangeVersion and credential.
function Read-Document {
    param([Parameter(Mandatory = $true)] [scriptblock] $FindProblem)
    $json = ConvertFrom-DocumentText (Read-StandardInput)
    $problems = @(Get-HeadProblem $json; Get-CredentialProblem $json; & $FindProblem $json)
    if ($problems.Count -gt 0) {
        Stop-Run -ExitCode $RunExitCode.Document -Message (
            "Nothing was changed, the document on standard input has $($problems.Count) problem(s):`n  " + ($problems -join "`n  "))
    }
    $json
}

# Returns Server, ExchangeVersion, RecycleAppPools, Settings (service -> setting -> value) and Credential (or $null).
function Read-NamespaceDocument {
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

# From the stream itself: the console's code page must not touch what may be UTF-8.
function Read-StandardInput {
    $reader = New-Object System.IO.StreamReader([Console]::OpenStandardInput(), (New-Object System.Text.UTF8Encoding $false))
    try { $reader.ReadToEnd() } finally { $reader.Dispose() }
}

# $null for what is no JSON object. A list of one object would come out of the cmdlet as that object.
function ConvertFrom-JsonObject {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Text)
    if ($Text -notmatch '^\s*\{') { return $null }
    try { $json = ConvertFrom-Json -InputObject $Text } catch { $json = $null }
    if ($json -is [System.Management.Automation.PSCustomObject]) { $json }
}

# The exception of ConvertFrom-Json is not passed on: it quotes its input, and with it a password.
function ConvertFrom-DocumentText {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Text)
    $json = ConvertFrom-JsonObject $Text
    if ($null -eq $json) {
        Stop-Run -ExitCode $RunExitCode.Document -Message 'Nothing was changed: standard input is not one JSON object.'
    }
    $json
}

# The comma keeps a list a list: one of a single value would come out of the function as that value, and pass for it.
function Get-Key {
    param([AllowNull()] $Json, [Parameter(Mandatory = $true)] [string] $Name)
    if ($Json -is [System.Management.Automation.PSCustomObject] -and $Json.PSObject.Properties[$Name]) { , $Json.$Name }
}

function Get-HeadProblem {
    param([Parameter(Mandatory = $true)] $Json)
    $server = Get-Key $Json 'server'
    if ($server -isnot [string] -or -not $server) {
        'server: missing; give the computer name of the server this document is for'
    } elseif ($server -ne $env:COMPUTERNAME) {
        "server: the document is for $server, this server is $env:COMPUTERNAME"
    }
    $version = Get-Key $Json 'exchangeVersion'
    if ($version -isnot [string] -or $version -notin '2013', '2016', '2019', 'SE') {
        "exchangeVersion: $(ConvertTo-Json -InputObject $version -Compress -Depth 2) is not among `"2013`", `"2016`", `"2019`", `"SE`""
    }
}

function Get-BooleanProblem {
    param(
        [Parameter(Mandatory = $true)] $Json,
        [Parameter(Mandatory = $true)] [string] $Name,
        [switch] $Optional
    )
    $value = Get-Key $Json $Name
    if ($value -isnot [bool] -and -not ($Optional -and $null -eq $value)) { "${Name}: neither true nor false" }
}

# Names only, never the values.
function Get-CredentialProblem {
    param([Parameter(Mandatory = $true)] $Json)
    $credential = Get-Key $Json 'credential'
    if ($null -eq $credential) { return }
    foreach ($key in 'userName', 'password') {
        $value = Get-Key $credential $key
        if ($value -isnot [string] -or -not $value) { "credential.${key}: missing or not a text" }
        elseif ($value -match '[\r\n]') { "credential.${key}: a line break is in it; leave it out" }
    }
}

function Get-UnknownKeyProblem {
    param(
        [Parameter(Mandatory = $true)] $Json,
        [Parameter(Mandatory = $true)] [string[]] $Known
    )
    $Json.PSObject.Properties | Where-Object { $_.Name -notin $Known } | ForEach-Object { "$($_.Name): unknown key; known are $($Known -join ', ')" }
}

function Get-SettingsProblem {
    param([Parameter(Mandatory = $true)] $Json)
    $settings = ConvertTo-SettingsTable (Get-Key $Json 'settings')
    if ($settings.Count -eq 0) { return 'settings: missing or empty; name at least one service' }
    # The names of services and settings are the same for every version.
    $table = Get-NamespaceServiceTable -ExchangeVersion '2016'
    foreach ($service in $settings.Keys) {
        if (-not $table.Contains($service)) { "settings.${service}: unknown service; known are $($table.Keys -join ', ')"; continue }
        if ($settings[$service].Count -eq 0) { "settings.${service}: empty; name a setting or leave the service out" }
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

# What Set-OutlookAnywhere would refuse, or take and never read back.
function Get-OutlookAnywhereProblem {
    param([Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Settings)
    foreach ($side in 'Internal', 'External') {
        $group = "${side}Hostname", "${side}ClientsRequireSsl", "${side}ClientAuthenticationMethod"
        $missing = @($group | Where-Object { -not $Settings.Contains($_) })
        if ($missing.Count -in 1, 2) { "settings.outlookAnywhere: $($group -join ', ') go together; missing: $($missing -join ', ')" }
        $requireSsl = $Settings["${side}ClientsRequireSsl"]
        # Without an external host name Exchange holds ExternalClientsRequireSsl as false, and TLS is not asked of it.
        $isCleared = $side -eq 'External' -and -not $Settings['ExternalHostname']
        if ($requireSsl -eq $true -and $isCleared) {
            'settings.outlookAnywhere.ExternalClientsRequireSsl: true needs ExternalHostname, and reads back false without one; make it false'
        }
        if ($Settings.Contains('SSLOffloading') -and $Settings['SSLOffloading'] -eq $false -and $requireSsl -eq $false -and -not $isCleared) {
            "settings.outlookAnywhere.SSLOffloading: false contradicts ${side}ClientsRequireSsl false; make one of them true"
        }
    }
}

# service -> setting -> value, from what ConvertFrom-Json made of it.
function ConvertTo-SettingsTable {
    param([AllowNull()] $Json)
    $table = [ordered]@{}
    if ($Json -isnot [System.Management.Automation.PSCustomObject]) { return $table }
    foreach ($service in $Json.PSObject.Properties) {
        $table[$service.Name] = [ordered]@{}
        if ($service.Value -isnot [System.Management.Automation.PSCustomObject]) { continue }
        foreach ($setting in $service.Value.PSObject.Properties) { $table[$service.Name][$setting.Name] = $setting.Value }
    }
    $table
}

function ConvertTo-DocumentCredential {
    param([AllowNull()] $Json)
    if ($null -eq $Json) { return $null }
    $password = ConvertTo-SecureString -String $Json.password -AsPlainText -Force
    New-Object System.Management.Automation.PSCredential($Json.userName, $password)
}
