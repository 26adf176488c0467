<#
.SYNOPSIS
Reports the client access settings of this Exchange server. Never writes.
.DESCRIPTION
Reads one JSON document from standard input: server, exchangeVersion, and optionally settings and credential. Ignores
other keys, so it accepts the document of Set-ClientAccessNamespace.ps1.

Standard output is one JSON document between two marks: every setting of the services that "settings" names, or of all
services if it names none, and the services that this build of Exchange does not have, with the reason. Standard error
is for people.

Exit codes: 0 all was read; 1 failure; 2 problems in the document; 3 Exchange is not installed; 5 Exchange setup is
running.
.EXAMPLE
'{"server": "ex01", "exchangeVersion": "2016"}' | powershell -NoProfile -File Get-ClientAccessNamespace.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = [ordered]@{
    server          = $env:COMPUTERNAME
    exchangeVersion = $null
    settings        = [ordered]@{}
    skipped         = [ordered]@{}
}
$exitCode = Invoke-NamespaceRun -Report $report -Body {
    param($Document, $Exchange)
    # Without settings in the document, report the services that this server has.
    $named = @(if ($Document.Settings.Count -gt 0) { $Document.Settings.Keys } else { $Exchange.Services.Keys })
    $problems = Read-Namespace -Exchange $Exchange -Name $named -Into $report['settings']
    Assert-NoProblem -Message 'Not every service could be read:' -Problem $problems
}
exit $exitCode
