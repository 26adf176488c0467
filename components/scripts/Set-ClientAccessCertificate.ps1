<#
.SYNOPSIS
Gives the web site of this Exchange server the certificate of the namespace.
.DESCRIPTION
Reads one JSON document from standard input, with the keys
  server            this computer's name
  exchangeVersion   2013, 2016, 2019 or SE
  certificate       thumbprint: that of a certificate which this server has already;
                    or pfx and password: a PFX in base64, and its password
  services          IIS, or IIS and SMTP; Exchange cannot take a service from a certificate again
  names             the host names that clients use
  drain             true: this server goes offline in order before the change, and is active again after it
  credential        optional: userName and password, which a logon with an SSH key needs

Checks first, and reports all problems at once: that this Windows can read the PFX, which is opened in memory, its
private key, dates, names, chain, and the key's provider. Then imports the certificate, enables it for the services,
gives it to each binding of Default Web Site on port 443, and restarts W3SVC. Exchange Back End keeps its own
certificate, and certificates that were here before stay.

A second run changes nothing. The next run restarts W3SVC if an interrupted one did not.

Standard output is one JSON document between two marks: thumbprint, subject, names, notAfter (UTC), services, and what
was changed. It is printed after a failure as well. Standard error is for people.

Exit codes:
  0  done
  1  failure
  2  problems in the document or in its certificate, all reported, nothing changed
  3  Exchange is not installed, nothing changed
  4  the certificate was enabled, but services or bindings read back otherwise
  5  Exchange setup is running, nothing changed
.EXAMPLE
Get-Content certificate.json -Raw | powershell -NoProfile -NonInteractive -File Set-ClientAccessCertificate.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-CertificateReport
$exitCode = Invoke-Run -Report $report -Step {
    $document = Read-CertificateDocument
    $report['exchangeVersion'] = $document.ExchangeVersion
    Assert-ServerReady
    Update-Certificate -Document $document -Report $report
    $report['done'] = $true
}
exit $exitCode
