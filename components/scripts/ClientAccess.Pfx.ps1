# Opens a PFX in memory, and finds what this Windows, this Exchange or its clients would refuse.

# Windows reads a PFX that is encrypted with AES, or protected with SHA-256, from Windows Server 2019 (build 17763) on.
$FirstBuildWithAes = 17763
# DER of the object identifiers PBES2 (1.2.840.113549.1.5.13) and SHA-256 (2.16.840.1.101.3.4.2.1).
$Pbes2 = [byte[]] @(0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D)
$Sha256 = [byte[]] @(0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01)
# The integrity check (MacData) is the last part of a PFX, and shorter than this.
$MacBytes = 120
# The end of the names of CNG's providers, as a PFX keeps them.
$CngProvider = 'Key Storage Provider'
$SubjectAlternativeName = '2.5.29.17'

# Returns Thumbprint, Subject, Names, NotBefore, NotAfter and HasPrivateKey. Ends the run with all problems at once.
function Read-Pfx {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document
    )
    $refused = @(Get-PfxFormatProblem -Bytes $Document.Pfx -ExchangeVersion $Document.ExchangeVersion)
    # New-Object returns nothing for an empty collection.
    $type = [System.Security.Cryptography.X509Certificates.X509Certificate2Collection]
    $all = [System.Activator]::CreateInstance($type)
    try {
        try { $all.Import($Document.Pfx, $Document.Password, (Get-KeyStorageFlag)) } catch {
            $cause = $_.Exception.GetBaseException().Message
            if ($refused.Count -eq 0) {
                $refused += "the PFX cannot be opened: $cause Its password is wrong, or it is not a PFX. " +
                'Run on your own computer: python -m operations certificate FILE.pfx'
            }
        }
        $own = @($all | Where-Object { $_.HasPrivateKey })
        if ($refused.Count -eq 0 -and $own.Count -ne 1) {
            $refused += "the PFX has $($own.Count) certificates with a private key. " +
            'Export one certificate with its key and its chain.'
        }
        if ($own.Count -eq 1) {
            $found = ConvertTo-CertificateDescription $own[0]
            $refused += @(Get-CertificateProblem -Certificate $found -Name $Document.Names)
            $refused += @(Get-ChainProblem -Certificate $own[0] -Extra $all)
            $isRsa = $own[0].PublicKey.Oid.Value -eq '1.2.840.113549.1.1.1'
            if (-not $isRsa -and $Document.ExchangeVersion -eq '2013') {
                $refused += 'its key is not RSA, so Windows would keep it in CNG, which Exchange 2013 cannot use. ' +
                'Request a certificate with an RSA key.'
            }
        }
    } finally {
        # Frees the keys, and deletes the key containers that an older .NET Framework made for them.
        foreach ($one in $all) { $one.Reset() }
    }
    Assert-CertificateUsable -Problem $refused
    $found
}

# An ephemeral key lies in memory only; .NET Framework has it from 4.7.2 on. Without it, the machine's store is used,
# because a logon over SSH may have no profile.
function Get-KeyStorageFlag {
    $type = [System.Security.Cryptography.X509Certificates.X509KeyStorageFlags]
    if ('EphemeralKeySet' -in [enum]::GetNames($type)) { $type::EphemeralKeySet } else { $type::MachineKeySet }
}

# Returns a sentence for what the bytes alone show.
function Get-PfxFormatProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [byte[]] $Bytes,

        [Parameter(Mandatory)]
        [string] $ExchangeVersion
    )
    $build = [int] (Get-CimInstance -ClassName Win32_OperatingSystem).BuildNumber
    $end = [byte[]] $Bytes[([Math]::Max(0, $Bytes.Length - $MacBytes))..($Bytes.Length - 1)]
    $isNew = (Test-Byte -Bytes $Bytes -Part $Pbes2) -or (Test-Byte -Bytes $end -Part $Sha256)
    if ($isNew -and $build -lt $FirstBuildWithAes) {
        "the PFX is encrypted with AES-256 or SHA-256, which this Windows (build $build) cannot read and calls a " +
        'wrong password. Write it again with TripleDES and SHA-1: python -m operations certificate FILE.pfx does that.'
    }
    $name = [System.Text.Encoding]::BigEndianUnicode.GetBytes($CngProvider)
    if ($ExchangeVersion -eq '2013' -and (Test-Byte -Bytes $Bytes -Part $name)) {
        'the PFX wants its key in CNG, with which Exchange 2013 sends users of OWA and ECP back to the logon page. ' +
        'Write it again without the name of a provider: python -m operations certificate FILE.pfx does that.'
    }
}

function Test-Byte {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [byte[]] $Bytes,

        [Parameter(Mandatory)]
        [byte[]] $Part
    )
    # In ISO 8859-1 each byte is one character.
    $latin = [System.Text.Encoding]::GetEncoding(28591)
    $latin.GetString($Bytes).Contains($latin.GetString($Part))
}

function ConvertTo-CertificateDescription {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Certificate
    )
    [pscustomobject]@{
        Thumbprint    = $Certificate.Thumbprint
        Subject       = $Certificate.Subject
        Names         = @(Get-AlternativeName -Certificate $Certificate)
        NotBefore     = $Certificate.NotBefore
        NotAfter      = $Certificate.NotAfter
        HasPrivateKey = $Certificate.HasPrivateKey
    }
}

# Returns the DNS names. .NET Framework has no function for it, and its text is in the language of Windows.
function Get-AlternativeName {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Certificate
    )
    $extension = @($Certificate.Extensions | Where-Object { $_.Oid.Value -eq $SubjectAlternativeName })
    if ($extension.Count -eq 0) { return }
    $der = $extension[0].RawData
    $at = (Read-DerHead -Der $der -At 0).Start
    while ($at -lt $der.Length) {
        $head = Read-DerHead -Der $der -At $at
        # Tag 2 of GeneralName is dNSName.
        if ($der[$at] -eq 0x82) { [System.Text.Encoding]::ASCII.GetString($der, $head.Start, $head.Length) }
        $at = $head.Start + $head.Length
    }
}

# Returns where the content of the element at this offset starts, and how long it is.
function Read-DerHead {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [byte[]] $Der,

        [Parameter(Mandatory)]
        [int] $At
    )
    $start = $At + 2
    $length = [int] $Der[$At + 1]
    if ($length -ge 0x80) {
        $count = $length - 0x80
        $length = 0
        for ($i = 0; $i -lt $count; $i++) { $length = $length * 256 + $Der[$start + $i] }
        $start += $count
    }
    [pscustomobject]@{ Start = $start; Length = $length }
}

# Returns a sentence for what clients or Exchange refuse of a certificate, from a PFX or from this server's store.
function Get-CertificateProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Certificate,

        [Parameter(Mandatory)]
        [string[]] $Name
    )
    if (-not $Certificate.HasPrivateKey) { 'it has no private key here. Give the PFX, which includes it.' }
    $now = Get-Date
    if ($Certificate.NotAfter -lt $now) { "it ended on $(ConvertTo-UtcText $Certificate.NotAfter). Renew it." }
    if ($Certificate.NotBefore -gt $now) {
        "it begins on $(ConvertTo-UtcText $Certificate.NotBefore). Wait, or look at this server's clock."
    }
    $missing = @($Name | Where-Object { -not (Test-NameCovered -Name $_ -Covered $Certificate.Names) })
    if ($missing.Count -gt 0) {
        "it lacks $($missing -join ', '); its names are $($Certificate.Names -join ', '). " +
        'Request a certificate with every name of the namespace.'
    }
}

# A wildcard stands for one label.
function Test-NameCovered {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name,

        [AllowEmptyCollection()]
        [string[]] $Covered
    )
    $dot = $Name.IndexOf('.')
    $Name -in $Covered -or ($dot -gt 0 -and "*$($Name.Substring($dot))" -in $Covered)
}

# Whether it was revoked is left to Exchange, which reads the lists with the server's own proxy.
function Get-ChainProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Certificate,

        [Parameter(Mandatory)]
        $Extra
    )
    $chain = New-Object -TypeName System.Security.Cryptography.X509Certificates.X509Chain
    try {
        $chain.ChainPolicy.RevocationMode = 'NoCheck'
        $chain.ChainPolicy.ExtraStore.AddRange($Extra)
        $chain.Build($Certificate) | Out-Null
        # The dates of the certificate itself have their own sentence.
        $reasons = @($chain.ChainStatus | Where-Object { "$($_.Status)" -ne 'NotTimeValid' })
        if ($reasons.Count -gt 0) {
            $text = @($reasons | ForEach-Object { "$($_.Status)" } | Sort-Object -Unique) -join ', '
            "this server does not trust its chain ($text). Put the authority that issued it into the PFX, and its " +
            'root among the trusted root certificates of this server.'
        }
    } finally {
        $chain.Reset()
    }
}

function ConvertTo-UtcText {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [datetime] $Time
    )
    $invariant = [System.Globalization.CultureInfo]::InvariantCulture
    $Time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", $invariant)
}

function Assert-CertificateUsable {
    [CmdletBinding()]
    param(
        [AllowEmptyCollection()]
        [string[]] $Problem
    )
    if ($Problem.Count -eq 0) { return }
    $head = "Nothing was changed on $env:COMPUTERNAME, its certificate has $($Problem.Count) problem(s):"
    Stop-Run -ExitCode $RunExitCode.Document -Message (@($head) + $Problem -join "`n  ")
}
