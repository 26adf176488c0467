# Checks, converts and compares values of settings. A setting has one of these kinds: Uri, Hostname, Boolean,
# AuthenticationMethod, AuthenticationMethods (several). A plain value is a string, a Boolean, a list of strings, or
# $null (not set).

$NamespaceAuthenticationMethods = @{
    AuthenticationMethod  = 'Basic', 'Ntlm', 'Negotiate'
    AuthenticationMethods = 'Basic', 'Ntlm', 'Negotiate', 'OAuth'
}

# Returns the plain value. A remote session returns a Uri, a Hostname object or a collection, or the text of one.
function ConvertTo-PlainValue {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Kind,

        [AllowNull()]
        $Value
    )
    if ($Kind -eq 'Boolean') { return "$Value" -eq 'True' }
    if ($Kind -eq 'AuthenticationMethods') { return "$Value" -split '[,\s]+' -ne '' | Sort-Object -Unique }
    if ([string]::IsNullOrEmpty("$Value")) { return $null }
    if ($Kind -eq 'Hostname' -and $Value.PSObject.Properties['HostnameString']) { return "$($Value.HostnameString)" }
    $uri = $null
    if ($Kind -eq 'Uri' -and [Uri]::TryCreate("$Value", [UriKind]::Absolute, [ref] $uri)) { return $uri.AbsoluteUri }
    "$Value"
}

# Windows PowerShell's ConvertTo-Json writes an array from a pipeline as an object with "value" and "Count". The cast
# prevents that.
function Add-ReportedValue {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Target,

        [Parameter(Mandatory)]
        [string] $Key,

        [Parameter(Mandatory)]
        [string] $Kind,

        [AllowNull()]
        $Value
    )
    if ($Kind -eq 'AuthenticationMethods') {
        $Target[$Key] = [string[]]@($Value | Where-Object { $_ })
    } else {
        $Target[$Key] = $Value
    }
}

# Compares two plain values without case, which DNS and IIS ignore. A trailing slash is a difference: Exchange hands out
# the URL as stored, and clients append to it.
function Test-SameValue {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Left,

        [AllowNull()]
        $Right
    )
    [string]::Equals((@($Left) -join ' '), (@($Right) -join ' '), [StringComparison]::OrdinalIgnoreCase)
}

# Returns a sentence about what is wrong with a value of the document, or nothing.
function Get-ValueProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Kind,

        [AllowNull()]
        $Value
    )
    $valueText = ConvertTo-Json -InputObject $Value -Compress -Depth 4
    switch ($Kind) {
        'Uri' {
            if ($null -ne $Value -and -not (Test-WebUrl $Value)) {
                "$valueText is not an absolute URL; write it like `"https://mail.example.com/owa`", or null to clear it"
            }
        }
        'Hostname' {
            if ($null -ne $Value -and -not (Test-HostName $Value)) {
                "$valueText is not a host name; write the bare DNS name, without scheme, port or path, " +
                'or null to clear it'
            }
        }
        'Boolean' {
            if ($Value -isnot [bool]) { "$valueText is neither true nor false" }
        }
        default {
            $allowed = $NamespaceAuthenticationMethods[$Kind]
            $methods = @($Value)
            $wrongMethods = @($methods | Where-Object { $_ -isnot [string] -or $_ -notin $allowed })
            $isList = $Kind -eq 'AuthenticationMethods' -or $Value -is [string]
            if ($methods.Count -eq 0 -or $wrongMethods.Count -gt 0 -or -not $isList) {
                "$valueText is not among $($allowed -join ', ')"
            }
        }
    }
}

# Refuses white space and control characters, which [Uri] trims or escapes.
function Test-WebUrl {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Value
    )
    if ($Value -isnot [string] -or $Value -match '[\s\p{C}]') { return $false }
    $uri = $null
    [Uri]::TryCreate($Value, [UriKind]::Absolute, [ref] $uri) -and $uri.Scheme -in 'http', 'https'
}

# Patterns end with \z, because $ also matches before a final line feed.
function Test-HostName {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Value
    )
    $label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
    $Value -is [string] -and $Value.Length -le 255 -and $Value -match "^$label(\.$label)+\z"
}

# True if a value in a file of original values can have this kind. Exchange's own values need not be ones that a
# document may hold, so this check is weaker than Get-ValueProblem.
function Test-KeptValue {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Kind,

        [AllowNull()]
        $Value
    )
    switch ($Kind) {
        'Boolean' { $Value -is [bool] }
        'AuthenticationMethods' { @(@($Value) | Where-Object { $null -ne $_ -and $_ -isnot [string] }).Count -eq 0 }
        default { $null -eq $Value -or $Value -is [string] }
    }
}
