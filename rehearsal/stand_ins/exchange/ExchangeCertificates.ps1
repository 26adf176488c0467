# The certificate cmdlets of the Exchange stand-in. State in the server's file: certificates, thumbprint -> what
# Get-ExchangeCertificate shows; bindings, site -> binding -> thumbprint. The keys are in the folder machine-keys.

# Windows cannot read a PFX with AES or SHA-256 before this build, and takes it for a wrong password.
$FirstBuildWithAes = 17763
$WrongPassword = 'The specified network password is not correct.'

function Invoke-CertificateCmdlet {
    [CmdletBinding()]
    param(
        [string] $Verb,
        $Bound,
        [string] $DomainController
    )
    if ($Bound['Server'] -and "$($Bound['Server'])" -ne $env:COMPUTERNAME) {
        return Out-Error "This stand-in knows the certificates of $env:COMPUTERNAME only."
    }
    $server = Read-Server $env:COMPUTERNAME
    if ($Verb -eq 'Get') { return Get-CertificateItem $server $Bound $DomainController }
    if ($Bound.ContainsKey('Confirm') -and $Bound['Confirm']) { return Out-Prompt }
    $fault = Find-Fault $server "$Verb-ExchangeCertificate"
    if ($fault) {
        if ($null -ne $fault.message) { Out-Error $fault.message }
        return
    }
    if ($Verb -eq 'Import') { Import-CertificateItem $server $Bound $DomainController } else {
        Enable-CertificateItem $server $Bound
    }
}

# Does not list a certificate whose private key is missing.
function Get-CertificateItem {
    [CmdletBinding()]
    param(
        $Server,
        $Bound,
        [string] $DomainController
    )
    foreach ($thumbprint in $Server.certificates.Keys) {
        $one = $Server.certificates[$thumbprint]
        if (-not $one.hasPrivateKey -or ($Bound['Thumbprint'] -and $Bound['Thumbprint'] -ne $thumbprint)) { continue }
        Out-Object (New-RemoteObject 'X509Certificate2' $Server $DomainController ([ordered]@{
            Thumbprint         = $thumbprint
            Subject            = $one.subject
            CertificateDomains = [System.Collections.ArrayList] @($one.names)
            NotBefore          = ([datetime] $one.notBefore).ToLocalTime()
            NotAfter           = ([datetime] $one.notAfter).ToLocalTime()
            HasPrivateKey      = $one.hasPrivateKey
            IsSelfSigned       = $one.isSelfSigned
            Status             = $one.status
            Services           = $(if (@($one.services).Count -gt 0) { @($one.services) -join ', ' } else { 'None' })
        }))
    }
}

function Import-CertificateItem {
    [CmdletBinding()]
    param(
        $Server,
        $Bound,
        [string] $DomainController
    )
    $latin = [System.Text.Encoding]::Latin1
    $text = $latin.GetString($Bound['FileData'])
    $isNew = $text.Contains($latin.GetString([Convert]::FromHexString('06092A864886F70D01050D'))) -or
    $text.Substring([Math]::Max(0, $text.Length - 120)).Contains(
        $latin.GetString([Convert]::FromHexString('0609608648016503040201')))
    if ($isNew -and (Read-Windows).build -lt $FirstBuildWithAes) { return Out-Error $WrongPassword }
    $phrase = if ($Bound['Password']) {
        (New-Object pscredential 'pfx', $Bound['Password']).GetNetworkCredential().Password
    }
    $type = [System.Security.Cryptography.X509Certificates.X509Certificate2Collection]
    $all = $type::new()
    try { $all.Import($Bound['FileData'], $phrase, 'Exportable, EphemeralKeySet') } catch {
        return Out-Error $WrongPassword
    }
    $own = @($all | Where-Object { $_.HasPrivateKey })[0]
    $shown = if ($own) { $own } else { $all[0] }
    if ($Server.certificates.ContainsKey($shown.Thumbprint) -and
        $Server.certificates[$shown.Thumbprint].hasPrivateKey) {
        return Out-Error "A certificate with the thumbprint $($shown.Thumbprint) already exists."
    }
    $chain = [System.Security.Cryptography.X509Certificates.X509Chain]::new()
    $chain.ChainPolicy.RevocationMode = 'NoCheck'
    $chain.ChainPolicy.ExtraStore.AddRange($all)
    $isTrusted = $chain.Build($shown)
    $status = if ($shown.NotAfter -lt (Get-Date)) { 'DateInvalid' } elseif ($isTrusted) { 'Valid' } else { 'Untrusted' }
    $names = $shown.Extensions | Where-Object { $_.Oid.Value -eq '2.5.29.17' }
    $Server.certificates[$shown.Thumbprint] = @{
        subject       = $shown.Subject
        names         = @(if ($names) { $names.EnumerateDnsNames() })
        notBefore     = $shown.NotBefore.ToUniversalTime().ToString('o')
        notAfter      = $shown.NotAfter.ToUniversalTime().ToString('o')
        hasPrivateKey = [bool] $own
        isSelfSigned  = $shown.Subject -eq $shown.Issuer
        status        = $status
        services      = @()
    }
    if ($own) { Save-MachineKey $own $all }
    Write-Json (Get-ServerFile $Server.name) $Server
    Get-CertificateItem $Server @{ Thumbprint = $shown.Thumbprint } $DomainController
}

# Keeps what the web site needs to show the certificate, outside of the server's drive.
function Save-MachineKey {
    [CmdletBinding()]
    param(
        $Certificate,
        $All
    )
    $folder = Join-Path $env:EXCHANGE_STANDIN_ROOT 'machine-keys'
    New-Item -ItemType Directory -Path $folder -Force | Out-Null
    $extensions = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]
    $key = $extensions::GetRSAPrivateKey($Certificate)
    if (-not $key) {
        $extensions = [System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]
        $key = $extensions::GetECDsaPrivateKey($Certificate)
    }
    $others = @($All | Where-Object { $_.Thumbprint -ne $Certificate.Thumbprint } | ForEach-Object {
            $_.ExportCertificatePem()
        })
    $parts = @($key.ExportPkcs8PrivateKeyPem(), $Certificate.ExportCertificatePem()) + $others
    [System.IO.File]::WriteAllText((Join-Path $folder "$($Certificate.Thumbprint).pem"), ($parts -join "`n") + "`n")
}

function Enable-CertificateItem {
    [CmdletBinding()]
    param(
        $Server,
        $Bound
    )
    $one = $Server.certificates["$($Bound['Thumbprint'])".ToUpperInvariant()]
    if (-not $one) { return Out-Error "The certificate with thumbprint $($Bound['Thumbprint']) was not found." }
    $refused = "The certificate with thumbprint $($Bound['Thumbprint']) cannot be used for Exchange Server"
    if (-not $one.hasPrivateKey) { return Out-Error "$refused (reason: PrivateKeyMissing)." }
    if ([datetime] $one.notAfter -lt (Get-Date)) { return Out-Error "$refused (reason: DateInvalid)." }
    $services = @("$($Bound['Services'])" -split '\s*,\s*')
    $unknown = @($services | Where-Object { $_ -notin 'IIS', 'SMTP', 'POP', 'IMAP' })
    if ($unknown.Count -gt 0) {
        return Out-Error -Stream Terminating -Text "Cannot bind parameter 'Services': $unknown" -Id 'ParameterBinding'
    }
    if ('SMTP' -in $services -and -not $Bound['Force']) { return Out-Prompt }
    foreach ($service in $services) {
        if ($service -eq 'IIS') {
            $site = $Server.bindings['Default Web Site']
            foreach ($binding in @($site.Keys)) { $site[$binding] = "$($Bound['Thumbprint'])".ToUpperInvariant() }
            # One certificate at a time has the web site.
            foreach ($other in @($Server.certificates.Values)) {
                $other.services = @($other.services | Where-Object { $_ -ne 'IIS' })
            }
            if (-not $Bound['DoNotRequireSsl']) { $Server['requireSsl'] = $true }
        }
        $one.services = @(@($one.services) + $service | Select-Object -Unique)
    }
    Write-Json (Get-ServerFile $Server.name) $Server
}
