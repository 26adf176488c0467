<#
.SYNOPSIS
Has Exchange installed on this server by a scheduled task, and tells how far that is.
.DESCRIPTION
One call lasts seconds. The first one starts the task, the next ones look at it. Reads one JSON document from standard
input, with the keys
  server                  this computer's name
  exchangeVersion         2013, 2016, 2019 or SE
  begin                   true: the first call of a run, which discards the last result and counts restarts from 0
  credential              userName and password of a domain account, under which the task runs
  media                   path (a folder or an ISO file, local or UNC) or url of an ISO file; sha256 of the ISO file
  roles                   ClientAccess and Mailbox; one of them is enough for 2013
  organisationName        name of a new Exchange organisation, or null
  prepareActiveDirectory  true: prepares Active Directory if it has to be; false: waits until another server did
  targetDir               folder of Exchange, or null
  extendedProtection      whether setup switches Extended Protection on
  packages                name -> url and sha256, in place of those in prerequisites.json; or null
  serviceUri              what the service connection point of Autodiscover gets while setup runs, or null

A task that runs is joined, never doubled. Each phase of the task looks at the machine, so that the next call goes on
after an interruption. A second installation of a complete server changes nothing.

Standard output is one JSON document between two marks, also after a failure: server, exchangeVersion, state (complete,
running, restarting, waiting or failed), phase, progress (the last lines) and restarts. Standard error is for people.

Exit codes:
  0  every state but failed
  1  failed
  2  problems in the document, all reported, nothing changed
.EXAMPLE
Get-Content install.json -Raw | powershell -NoProfile -NonInteractive -File Install-ExchangeServer.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'Installation.ps1')

$report = New-InstallationReport
$exitCode = Invoke-Run -Report $report -Step {
    $document = Read-InstallationDocument
    $report['exchangeVersion'] = $document.exchangeVersion
    $installation = New-Installation -Document $document -Folder (Get-InstallationFolder)
    try {
        $report['state'] = Step-Installation -Installation $installation -Document $document
    } finally {
        Complete-InstallationReport -Report $report -Installation $installation
    }
}
exit $exitCode
