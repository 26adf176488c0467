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
    $given = ConvertTo-Json -InputObject $Value -Compress -Depth 4
    switch ($Kind) {
        'Uri' {
            if ($null -ne $Value -and -not (Test-WebUrl $Value)) { "$given is not an absolute URL; write it like `"https://mail.example.com/owa`", or null to clear it" }
        }
        'Hostname' {
            if ($null -ne $Value -and -not (Test-HostName $Value)) {
                "$given is not a host name; write the bare DNS name, without scheme, port or path, or null to clear it"
            }
        }
        'Boolean' {
            if ($Value -isnot [bool]) { "$given is neither true nor false" }
        }
        default {
            $allowed = $NamespaceAuthenticationMethods[$Kind]
            $methods = @($Value)
            $isWrong = @($methods | Where-Object { $_ -isnot [string] -or $_ -notin $allowed }).Count -gt 0 -or $methods.Count -eq 0
            if ($isWrong -or ($Kind -eq 'AuthenticationMethod' -and $Value -isnot [string])) { "$given is not among $($allowed -join ', ')" }
        }
    }
}

# [Uri] cuts white space off at both ends and escapes it between them.
function Test-WebUrl {
    param([AllowNull()] $Value)
    $uri = $null
    $Value -is [string] -and $Value -notmatch '[\s\p{C}]' -and [Uri]::TryCreate($Value, [UriKind]::Absolute, [ref] $uri) -and $uri.Scheme -in 'http', 'https'
}

# \z, as in every pattern here that ends a text: $ lets a line feed stand behind it.
function Test-HostName {
    param([AllowNull()] $Value)
    $label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
    $Value -is [string] -and $Value.Length -le 255 -and $Value -match "^$label(\.$label)+\z"
}

# Whether a value that was kept in a file can be one of this kind at all; what Exchange itself once said need not be what a document may ask for.
function Test-KeptValue {
    param(
        [Parameter(Mandatory = $true)] [string] $Kind,
        [AllowNull()] $Value
    )
    switch ($Kind) {
        'Boolean' { $Value -is [bool] }
        'AuthenticationMethods' { @(@($Value) | Where-Object { $null -ne $_ -and $_ -isnot [string] }).Count -eq 0 }
        default { $null -eq $Value -or $Value -is [string] }
    }
}
