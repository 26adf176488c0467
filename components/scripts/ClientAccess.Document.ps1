# Reads the JSON document on standard input, and checks the keys that all scripts share.

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
        $versionText = ConvertTo-Json -InputObject $version -Compress -Depth 2
        "exchangeVersion: $versionText is not among `"2013`", `"2016`", `"2019`", `"SE`""
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
        elseif ($value -match '[\r\n]') { "credential.${key}: contains a line break; remove it" }
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
