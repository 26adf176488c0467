<#
.SYNOPSIS
Makes this Exchange server ready for clients, or takes it offline when they have forgotten its address.
.DESCRIPTION
Reads one JSON document from standard input, with the keys
  server              this computer's name
  exchangeVersion     2013, 2016, 2019 or SE
  inRotation          true: ready for clients; false: offline
  rejectClosedPorts   true: switches Windows Firewall's stealth mode off, so that connections to closed ports are reset;
                      false: restores the original mode
  drainSeconds        how long clients may still use this server's address after it has left DNS
  health              seconds: time to become healthy; address and port of this server's web site;
                      names: service -> the host names that its clients use
  credential          optional: userName and password, which a logon with an SSH key needs

Into rotation: sets Active the components that the requester Maintenance holds. Then /<service>/healthcheck.htm of every
named service must answer 200 with this server's name, at its own address, over TLS, with a certificate that is trusted
for each host name.

Out of rotation: waits for drainSeconds, drains HubTransport and UMCallRouter, restarts W3SVC so that clients leave, and
sets ServerWideOffline Inactive as the requester Maintenance.

A second run changes nothing, in both directions.

Standard output is one JSON document between two marks: the components before and after (null if unknown), the restarted
services, and the last answers of each service. It is printed after a failure as well. Standard error is for people, and
shows what the script waits for.

Exit codes:
  0  done
  1  failure
  2  problems in the document, all reported, nothing changed
  3  Exchange is not installed, nothing changed
  4  a state was set but reads back otherwise
  5  Exchange setup is running, nothing changed
  6  not healthy in time
.EXAMPLE
Get-Content rotation.json -Raw | powershell -NoProfile -NonInteractive -File Set-ClientAccessRotation.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-RotationReport
$exitCode = Invoke-Run -Report $report -Step {
    $document = Read-RotationDocument
    $report['exchangeVersion'] = $document.ExchangeVersion
    $report['inRotation'] = $document.InRotation
    Assert-ServerReady
    # A failure to set the firewall must not keep a server from going out of rotation, so it goes out first.
    if (-not $document.InRotation) { Exit-Rotation -Document $document -Report $report }
    Set-ClosedPortAnswer -Reject $document.RejectClosedPorts -Report $report
    if ($document.InRotation) { Enter-Rotation -Document $document -Report $report }
    $report['done'] = $true
}
exit $exitCode
