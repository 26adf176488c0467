# Reads and checks the document of Set-ClientAccessCertificate.ps1. No message shows the PFX or its password.

# Returns Server, ExchangeVersion, Thumbprint, Pfx (bytes, $null if the document gives a thumbprint), Password,
# Services, Names, Drain, Credential, and DrainSeconds, which Exit-Rotation needs: clients keep the server's address.
function Read-CertificateDocument {
    $json = Read-Document {
        param($Document)
        Get-UnknownKeyProblem $Document @(
            'server'
            'exchangeVersion'
            'certificate'
            'services'
            'names'
            'drain'
            'credential'
        )
        Get-CertificateKeyProblem (Get-Key $Document 'certificate')
        $services = Get-Key $Document 'services'
        if ('IIS' -notin $services -or @($services | Where-Object { $_ -notin 'IIS', 'SMTP' }).Count -gt 0) {
            'services: neither ["IIS"] nor ["IIS", "SMTP"]'
        }
        Get-CertificateNameProblem (Get-Key $Document 'names')
        Get-BooleanProblem $Document 'drain'
    }
    $pfx = Get-Key $json.certificate 'pfx'
    [byte[]] $bytes = if ($pfx) { [Convert]::FromBase64String($pfx) }
    [pscustomobject]@{
        Server          = $json.server
        ExchangeVersion = $json.exchangeVersion
        Thumbprint      = "$(Get-Key $json.certificate 'thumbprint')".ToUpperInvariant()
        Pfx             = $bytes
        Password        = Get-Key $json.certificate 'password'
        Services        = @($json.services)
        Names           = @($json.names)
        Drain           = $json.drain
        DrainSeconds    = 0
        Credential      = ConvertTo-DocumentCredential (Get-Key $json 'credential')
    }
}

function Get-CertificateKeyProblem {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Certificate
    )
    if ($Certificate -isnot [System.Management.Automation.PSCustomObject]) {
        return 'certificate: missing; give thumbprint, or pfx and password'
    }
    Get-UnknownKeyProblem $Certificate 'thumbprint', 'pfx', 'password' | ForEach-Object { "certificate.$_" }
    $thumbprint = Get-Key $Certificate 'thumbprint'
    $pfx = Get-Key $Certificate 'pfx'
    if (($null -eq $thumbprint) -eq ($null -eq $pfx)) {
        return 'certificate: give either thumbprint, or pfx and password'
    }
    if ($null -ne $thumbprint) {
        if ("$thumbprint" -notmatch '^[0-9A-Fa-f]{40}\z') { 'certificate.thumbprint: not 40 hexadecimal digits' }
        return
    }
    $phrase = Get-Key $Certificate 'password'
    if ($phrase -isnot [string] -or -not $phrase) { 'certificate.password: missing; a PFX needs its password' }
    if ($pfx -isnot [string] -or -not (Test-Base64 $pfx)) { 'certificate.pfx: not base64' }
}

# The exception of FromBase64String is not passed on.
function Test-Base64 {
    [CmdletBinding()]
    param([string] $Text)
    try { [Convert]::FromBase64String($Text).Length -gt 0 } catch { $false }
}

function Get-CertificateNameProblem {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Name
    )
    if (@($Name).Count -eq 0 -or $null -eq $Name) {
        return 'names: missing or empty; give the host names that clients use'
    }
    foreach ($one in $Name) {
        $problem = if ($null -eq $one) { 'missing' } else { Get-ValueProblem -Kind 'Hostname' -Value $one }
        if ($problem) { "names: $problem" }
    }
}
