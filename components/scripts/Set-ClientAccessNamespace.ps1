<#
.SYNOPSIS
Brings the client access settings of this Exchange server to one namespace.
.DESCRIPTION
Reads one JSON document from standard input, opens one session with Exchange on this server, reads each service's settings, writes only
what differs, and reads again. A second run writes nothing. Before the first write the original values are kept in
%ProgramData%\ExchangeCas\original-namespace.json, which Restore-ClientAccessNamespace.ps1 puts back; a file there that could not be put back is
refused. An application pool that could not be recycled is recycled by the next run.

The document has the keys server (this computer's name), exchangeVersion (2013, 2016, 2019 or SE), settings (service -> setting -> value; null
clears a URL or host name; a service that is left out is not touched), and optionally recycleAppPools (true by default) and
credential (userName, password), which a logon by SSH key needs. Services: owa, ecp, ews, oab, activesync, mapi, outlookAnywhere, autodiscover;
the settings have the names of the Set cmdlets' parameters.

Standard output is one JSON document between two marks: agreement, the number of changed settings, and for each setting the value before, expected
and after, null where nobody knows. It is printed after a failure too, with what was already changed. Standard error is for people.

Exit codes: 0 every setting agrees; 1 failure; 2 problems in the document, all reported, nothing changed; 3 Exchange is not installed, nothing changed;
4 Exchange took the settings but reads back others; 5 Exchange setup is running, nothing changed.
.EXAMPLE
Get-Content namespace.json -Raw | powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File Set-ClientAccessNamespace.ps1
.EXAMPLE
ssh operator@ex01 powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:/ProgramData/ExchangeCas/ex01/Set-ClientAccessNamespace.ps1 < namespace.json
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-NamespaceReport
exit (Invoke-NamespaceRun -Report $report -WithSettings -Body {
        param($Document, $Exchange)
        $present = [ordered]@{}
        $problems = Read-Namespace -Exchange $Exchange -Name @($Document.Settings.Keys) -Into $present
        Assert-NoProblem -Message 'Nothing was changed, because not every service could be read:' -Problem $problems
        Save-OriginalNamespace -Exchange $Exchange -ExchangeVersion $Document.ExchangeVersion -Present $present
        Update-Namespace -Exchange $Exchange -Document $Document -Expected $Document.Settings -Present $present -Report $report
    })
