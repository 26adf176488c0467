# The kinds of values a setting can have: Uri, Hostname, Boolean, AuthenticationMethod, AuthenticationMethods (several).
# A plain value is a string, a Boolean, strings, or nothing ($null: not set).

$NamespaceAuthenticationMethods = @{
    AuthenticationMethod  = 'Basic', 'Ntlm', 'Negotiate'
    AuthenticationMethods = 'Basic', 'Ntlm', 'Negotiate', 'OAuth'
}

# A remote session may hand back a Uri, a Hostname object, a collection or the mere text of each: all become the plain value.
function ConvertTo-PlainValue {
    param(
        [Parameter(Mandatory = $true)] [string] $Kind,
        [AllowNull()] $Value
    )
    if ($Kind -eq 'Boolean') { return "$Value" -eq 'True' }
    if ($Kind -eq 'AuthenticationMethods') { return "$Value" -split '[,\s]+' -ne '' | Sort-Object -Unique }
    if ([string]::IsNullOrEmpty("$Value")) { return $null }
    if ($Kind -eq 'Hostname' -and $Value.PSObject.Properties['HostnameString']) { return "$($Value.HostnameString)" }
    $uri = $null
    if ($Kind -eq 'Uri' -and [Uri]::TryCreate("$Value", [UriKind]::Absolute, [ref] $uri)) { return $uri.AbsoluteUri }
    "$Value"
}

# ConvertTo-Json of Windows PowerShell writes an array that came through a pipeline as an object with "value" and "Count"; the cast undoes that.
function Add-ReportedValue {
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Target,
        [Parameter(Mandatory = $true)] [string] $Key,
        [Parameter(Mandatory = $true)] [string] $Kind,
        [AllowNull()] $Value
    )
    if ($Kind -eq 'AuthenticationMethods') { $Target[$Key] = [string[]]@($Value | Where-Object { $_ }) } else { $Target[$Key] = $Value }
}

# Both sides are plain values. Case does not count: DNS and IIS ignore it. A trailing slash does count: clients append to the URL, so the
# two are different requests, and Exchange hands out what is stored to the letter.
function Test-SameValue {
    param(
        [AllowNull()] $Left,
        [AllowNull()] $Right
    )
    [string]::Equals((@($Left) -join ' '), (@($Right) -join ' '), [StringComparison]::OrdinalIgnoreCase)
}

# What is wrong with a value of the document: a sentence, or nothing.
function Get-ValueProblem {
    param(
        [Parameter(Mandatory = $true)] [string] $Kind,
        [AllowNull()] $Value
    )
    $given = ConvertTo-Json -InputObject $Value -Compress -Depth 2
    switch ($Kind) {
        'Uri' {
            if ($null -ne $Value -and -not (Test-WebUrl $Value)) { "$given is not an absolute URL; write it like `"https://mail.example.com/owa`", or null to clear it" }
        }
        'Hostname' {
            if ($null -ne $Value -and "$Value" -notmatch '^(?=.{1,255}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$') {
                "$given is not a host name; write the bare DNS name, without scheme, port or path, or null to clear it"
            }
        }
        'Boolean' {
            if ($Value -isnot [bool]) { "$given is neither true nor false" }
        }
        default {
            $allowed = $NamespaceAuthenticationMethods[$Kind]
            $methods = @($Value)
            $isWrong = @($methods | Where-Object { "$_" -notin $allowed }).Count -gt 0 -or $methods.Count -eq 0
            if ($isWrong -or ($Kind -eq 'AuthenticationMethod' -and $Value -isnot [string])) { "$given is not among $($allowed -join ', ')" }
        }
    }
}

function Test-WebUrl {
    param([AllowNull()] $Value)
    $uri = $null
    $Value -is [string] -and [Uri]::TryCreate($Value, [UriKind]::Absolute, [ref] $uri) -and $uri.Scheme -in 'http', 'https'
}
