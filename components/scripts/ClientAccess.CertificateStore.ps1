# Finds the certificate in the store of this server, or imports it, and says what is wrong with it.

# Without a way to the lists of revoked certificates Exchange shows RevocationCheckFailure, and uses the certificate.
$UsableStatus = 'Valid', 'RevocationCheckFailure'

# Returns the certificate of this server, imported if it was not there, with its services. Ends the run with all
# problems before the certificate is enabled.
function Get-UsableCertificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $found = Find-Certificate -Exchange $Exchange -Thumbprint $Document.Thumbprint
    if ($null -eq $found -and $Document.Pfx) {
        Import-Certificate -Exchange $Exchange -Document $Document
        $Report['imported'] = $true
        $Report['changed'] = $true
        $found = Find-Certificate -Exchange $Exchange -Thumbprint $Document.Thumbprint
    }
    if ($null -eq $found) {
        Assert-CertificateUsable -Problem @(
            "Get-ExchangeCertificate does not show $($Document.Thumbprint) on this server, with its private key. " +
            'Import it there with its key, or give the PFX: python -m operations certificate FILE.pfx'
        )
    }
    Add-CertificateReport -Report $Report -Certificate $found
    $Report['services'] = [string[]] $found.Services
    $Report['status'] = $found.Status
    $problems = @(Get-CertificateProblem -Certificate $found -Name $Document.Names)
    if ($found.Status -notin $UsableStatus) {
        $problems += "Exchange shows it as $($found.Status). Look at it with Get-ExchangeCertificate there; " +
        'clients would not trust it.'
    }
    if (-not $Document.Pfx) { $problems += @(Get-ProviderProblem -Document $Document) }
    if ($Report['imported'] -and $problems.Count -gt 0) {
        Stop-Run (
            "$env:COMPUTERNAME $($Document.Thumbprint): imported, but not enabled; the certificate before it is in " +
            "use:`n  " + ($problems -join "`n  ")
        )
    }
    Assert-CertificateUsable -Problem $problems
    if ($found.Status -ne 'Valid') { Write-Note "$($Document.Thumbprint): Exchange shows it as $($found.Status)." }
    $found
}

# Returns the description of a certificate with Services and Status, or nothing. Get-ExchangeCertificate does not list
# a certificate without its private key.
function Find-Certificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string] $Thumbprint
    )
    $remedy = 'Fix it until Get-ExchangeCertificate lists the certificates of this server there, then run this again.'
    $parameters = @{ Server = $Exchange.Server; DomainController = $Exchange.DomainController }
    $all = @(Invoke-Step -Subject 'Get-ExchangeCertificate' -Remedy $remedy -Step {
            Invoke-ExchangeCmdlet 'Get-ExchangeCertificate' $parameters
        })
    foreach ($one in @($all | Where-Object { "$($_.Thumbprint)" -eq $Thumbprint })) {
        [pscustomobject]@{
            Thumbprint    = "$($one.Thumbprint)".ToUpperInvariant()
            Subject       = "$($one.Subject)"
            Names         = @($one.CertificateDomains | ForEach-Object { "$_" })
            NotBefore     = $one.NotBefore
            NotAfter      = $one.NotAfter
            HasPrivateKey = [bool] $one.HasPrivateKey
            Status        = "$($one.Status)"
            Services      = @("$($one.Services)" -split '\s*,\s*' | Where-Object { $_ -and $_ -ne 'None' })
        }
    }
}

# Exchange takes the bytes: it no longer reads files, and none is written.
function Import-Certificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Document
    )
    $parameters = @{
        Server           = $Exchange.Server
        DomainController = $Exchange.DomainController
        FileData         = $Document.Pfx
        Password         = ConvertTo-SecureString -String $Document.Password -AsPlainText -Force
        Confirm          = $false
    }
    $remedy = 'Import-ExchangeCertificate refused the PFX; the certificate before it is in use. ' +
    'Check it on your own computer: python -m operations certificate FILE.pfx'
    Invoke-Step -Subject $Document.Thumbprint -Remedy $remedy -Step {
        Invoke-ExchangeCmdlet 'Import-ExchangeCertificate' $parameters | Out-Null
    }
    Write-Note "$($Document.Thumbprint): imported."
}

# Returns a sentence if Exchange 2013 cannot use the key of a certificate in this server's store. certutil shows the
# provider without loading the key.
function Get-ProviderProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document
    )
    if ($Document.ExchangeVersion -ne '2013') { return }
    $shown = @(certutil.exe -store My $Document.Thumbprint) -join "`n"
    if ($shown -match $CngProvider) {
        'its key is in CNG, with which Exchange 2013 sends users of OWA and ECP back to the logon page. Import its ' +
        'PFX again there: certutil -csp "Microsoft RSA SChannel Cryptographic Provider" -importpfx FILE.pfx'
    }
}

function Add-CertificateReport {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        $Certificate
    )
    $Report['thumbprint'] = $Certificate.Thumbprint
    $Report['subject'] = $Certificate.Subject
    $Report['names'] = [string[]] $Certificate.Names
    $Report['notAfter'] = ConvertTo-UtcText $Certificate.NotAfter
}
