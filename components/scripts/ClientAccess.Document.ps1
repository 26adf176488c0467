# Reads the JSON document on standard input: the keys that all scripts share, then the document of the namespace.

# Returns the document as ConvertFrom-Json reads it. Reports all problems at once, before anything is changed.
# FindProblem gets the document and returns a sentence for each problem of keys other than server, exchangeVersion and
# credential.
function Read-Document {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [scriptblock] $FindProblem
    )
    $json = ConvertFrom-DocumentText (Read-StandardInput)
    $problems = @(
        Get-HeadProblem $json
        Get-CredentialProblem $json
        & $FindProblem $json
    )
    if ($problems.Count -gt 0) {
        $head = "Nothing was changed, the document on standard input has $($problems.Count) problem(s):"
        Stop-Run -ExitCode $RunExitCode.Document -Message (@($head) + $problems -join "`n  ")
    }
    $json
}

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

# Reads the stream and not the console, whose code page would corrupt UTF-8.
function Read-StandardInput {
    $utf8 = New-Object System.Text.UTF8Encoding $false
    $reader = New-Object System.IO.StreamReader([Console]::OpenStandardInput(), $utf8)
    try { $reader.ReadToEnd() } finally { $reader.Dispose() }
}

# Returns $null unless the text is a JSON object. ConvertFrom-Json would return the object of a list of one.
function ConvertFrom-JsonObject {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string] $Text
    )
    if ($Text -notmatch '^\s*\{') { return $null }
    try { $json = ConvertFrom-Json -InputObject $Text } catch { $json = $null }
    if ($json -is [System.Management.Automation.PSCustomObject]) { $json }
}

# Does not pass on the exception of ConvertFrom-Json, because it quotes the input, which may hold a password.
function ConvertFrom-DocumentText {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string] $Text
    )
    $json = ConvertFrom-JsonObject $Text
    if ($null -eq $json) {
        Stop-Run -ExitCode $RunExitCode.Document -Message 'Nothing was changed: standard input is not one JSON object.'
    }
    $json
}

# The comma keeps a list of one value a list. PowerShell would return the value alone.
function Get-Key {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Json,

        [Parameter(Mandatory)]
        [string] $Name
    )
    if ($Json -is [System.Management.Automation.PSCustomObject] -and $Json.PSObject.Properties[$Name]) { , $Json.$Name }
}

function Get-HeadProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Json
    )
    $server = Get-Key $Json 'server'
    if ($server -isnot [string] -or -not $server) {
        'server: missing; give the computer name of the server this document is for'
    } elseif ($server -ne $env:COMPUTERNAME) {
        "server: the document is for $server, this server is $env:COMPUTERNAME"
    }
    $version = Get-Key $Json 'exchangeVersion'
    if ($version -isnot [string] -or $version -notin '2013', '2016', '2019', 'SE') {
        $given = ConvertTo-Json -InputObject $version -Compress -Depth 2
        "exchangeVersion: $given is not among `"2013`", `"2016`", `"2019`", `"SE`""
    }
}

function Get-BooleanProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Json,

        [Parameter(Mandatory)]
        [string] $Name,

        [switch] $Optional
    )
    $value = Get-Key $Json $Name
    if ($value -isnot [bool] -and -not ($Optional -and $null -eq $value)) { "${Name}: neither true nor false" }
}

# Names the keys and never shows their values.
function Get-CredentialProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Json
    )
    $credential = Get-Key $Json 'credential'
    if ($null -eq $credential) { return }
    foreach ($key in 'userName', 'password') {
        $value = Get-Key $credential $key
        if ($value -isnot [string] -or -not $value) { "credential.${key}: missing or not a text" }
        elseif ($value -match '[\r\n]') { "credential.${key}: a line break is in it; leave it out" }
    }
}

function Get-UnknownKeyProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Json,

        [Parameter(Mandatory)]
        [string[]] $Known
    )
    $unknown = $Json.PSObject.Properties | Where-Object { $_.Name -notin $Known }
    $unknown | ForEach-Object { "$($_.Name): unknown key; known are $($Known -join ', ')" }
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
            'and reads back false without one; make it false'
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

function ConvertTo-DocumentCredential {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Json
    )
    if ($null -eq $Json) { return $null }
    $password = ConvertTo-SecureString -String $Json.password -AsPlainText -Force
    New-Object System.Management.Automation.PSCredential($Json.userName, $password)
}
