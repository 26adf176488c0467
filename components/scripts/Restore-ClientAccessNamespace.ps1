<#
.SYNOPSIS
Puts back the client access settings this Exchange server had before Set-ClientAccessNamespace.ps1 first ran.
.DESCRIPTION
Reads one JSON document from standard input: server, exchangeVersion, and optionally recycleAppPools and credential.
Ignores other keys, so it accepts the document of Set-ClientAccessNamespace.ps1. Takes the values from
%ProgramData%\ExchangeCas\original-namespace.json, and keeps that file.

Output and exit codes are those of Set-ClientAccessNamespace.ps1. Exit code 7: there is no file of original values.
.EXAMPLE
'{"server": "ex01", "exchangeVersion": "2016"}' | powershell -NoProfile -File Restore-ClientAccessNamespace.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-NamespaceReport
$exitCode = Invoke-NamespaceRun -Report $report -Body {
    param($Document, $Exchange)
    $originals = Read-OriginalNamespace
    $present = [ordered]@{}
    $problems = Read-Namespace -Exchange $Exchange -Name @($originals.Keys) -Into $present
    Assert-NoProblem -Message 'Nothing was changed, because not every service could be read:' -Problem $problems
    Update-Namespace -Exchange $Exchange -Document $Document -Expected $originals -Present $present -Report $report
}
exit $exitCode
