<#
.SYNOPSIS
Puts back the client access settings this Exchange server had before Set-ClientAccessNamespace.ps1 first ran.
.DESCRIPTION
Reads one JSON document from standard input: server, exchangeVersion, and optionally recycleAppPools and credential; other keys are ignored, so the
document of Set-ClientAccessNamespace.ps1 will do. The values come from %ProgramData%\ExchangeCas\original-namespace.json, which stays.
Output and exit codes are those of Set-ClientAccessNamespace.ps1; without the file of original values the exit code is 7.
.EXAMPLE
'{"server": "ex01", "exchangeVersion": "2016"}' | powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File Restore-ClientAccessNamespace.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = New-NamespaceReport
exit (Invoke-NamespaceRun -Report $report -Body {
        param($Document, $Exchange)
        $originals = Read-OriginalNamespace -Exchange $Exchange
        $present = [ordered]@{}
        $problems = Read-Namespace -Exchange $Exchange -Name @($originals.Keys) -Into $present
        Assert-NoProblem -Message 'Nothing was changed, because not every service could be read:' -Problem $problems
        Update-Namespace -Exchange $Exchange -Document $Document -Expected $originals -Present $present -Report $report
    })
