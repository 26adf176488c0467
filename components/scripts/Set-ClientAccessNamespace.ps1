<#
.SYNOPSIS
Sets the client access settings of this Exchange server to those of one namespace.
.DESCRIPTION
Opens one session with Exchange on this server, reads each service's settings, writes only those that differ, and reads
again. A second run writes nothing. Before its first write it keeps the original values in
%ProgramData%\ExchangeCas\original-namespace.json, from which Restore-ClientAccessNamespace.ps1 restores them; it
refuses to write if a file there could not be restored. The next run recycles an application pool that could not be
recycled.

Reads one JSON document from standard input, with the keys
  server            this computer's name
  exchangeVersion   2013, 2016, 2019 or SE
  settings          service -> setting -> value; null clears a URL or host name; other services are not changed
  recycleAppPools   optional, true by default
  credential        optional: userName and password, which a logon with an SSH key needs
Services: owa, ecp, ews, oab, activesync, mapi, outlookAnywhere, autodiscover. Settings have the names of the Set
cmdlets' parameters.

Standard output is one JSON document between two marks: agreement, the number of changed settings, and the value before,
expected and after of each setting, null if unknown. It is printed after a failure as well, with the changes until then.
Standard error is for people.

Exit codes:
  0  every setting agrees
  1  failure
  2  problems in the document, all reported, nothing changed
  3  Exchange is not installed, nothing changed
  4  Exchange accepted the settings but reads back others
  5  Exchange setup is running, nothing changed
.EXAMPLE
Get-Content namespace.json -Raw | powershell -NoProfile -NonInteractive -File Set-ClientAccessNamespace.ps1
.EXAMPLE
ssh ex01 powershell -NoProfile -File C:/ProgramData/ExchangeCas/ex01/Set-ClientAccessNamespace.ps1 < namespace.json
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-NamespaceReport
$exitCode = Invoke-NamespaceRun -Report $report -WithSettings -Body {
    param($Document, $Exchange)
    $present = [ordered]@{}
    $problems = Read-Namespace -Exchange $Exchange -Name @($Document.Settings.Keys) -Into $present
    Assert-NoProblem -Message 'Nothing was changed, because not every service could be read:' -Problem $problems
    Save-OriginalNamespace -Exchange $Exchange -ExchangeVersion $Document.ExchangeVersion -Present $present
    $update = @{
        Exchange = $Exchange
        Document = $Document
        Expected = $Document.Settings
        Present  = $present
        Report   = $report
    }
    Update-Namespace @update
}
exit $exitCode
