<#
.SYNOPSIS
Makes this Exchange server ready for clients, or takes it offline once they have forgotten its address.
.DESCRIPTION
Reads one JSON document from standard input, with the keys
  server, exchangeVersion   this computer's name, and 2013, 2016, 2019 or SE
  inRotation                true: ready for clients; false: offline
  rejectClosedPorts         true: Windows Firewall's stealth mode off, so that a connect to a closed port is answered by a reset; false: as it was before
  drainSeconds              how long clients may still hold this server's address, once it has left DNS
  health                    seconds to become healthy; address and port of this server's web site; names: service -> the host names its clients use
  credential                userName and password, which a logon by SSH key needs

Into rotation: what the requester Maintenance holds down is made Active by the same requester. Then /<service>/healthcheck.htm of every service named
has to answer 200 with this server's own name, at its own address and over TLS with a certificate that is good for each name.
Out of rotation: after drainSeconds HubTransport and UMCallRouter drain, W3SVC is restarted so that clients leave, and ServerWideOffline becomes
Inactive by the requester Maintenance. A second run changes nothing, in both directions.

Standard output is one JSON document between two marks: the components before and after, null where nobody knows, what was restarted, the last answer
of each service. It is printed after a failure too. Standard error is for people, and tells what is waited for.

Exit codes: 0 done; 1 failure; 2 problems in the document, all reported, nothing changed; 3 Exchange is not installed, nothing changed;
4 a state was set but reads back otherwise; 5 Exchange setup is running, nothing changed; 6 not healthy in time.
.EXAMPLE
Get-Content rotation.json -Raw | powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File Set-ClientAccessRotation.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-RotationReport
exit (Invoke-Run -Report $report -Step {
        $document = Read-RotationDocument
        $report['exchangeVersion'] = $document.ExchangeVersion
        $report['inRotation'] = $document.InRotation
        Assert-ServerReady
        # What the firewall may not do keeps a server from coming in, never from going out.
        if (-not $document.InRotation) { Exit-Rotation -Document $document -Report $report }
        Set-ClosedPortAnswer -Reject $document.RejectClosedPorts -Report $report
        if ($document.InRotation) { Enter-Rotation -Document $document -Report $report }
        $report['done'] = $true
    })
