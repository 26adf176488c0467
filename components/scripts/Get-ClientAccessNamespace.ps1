<#
.SYNOPSIS
Reports the client access settings of this Exchange server. Never writes.
.DESCRIPTION
Reads one JSON document from standard input: server, exchangeVersion and optionally credential; other keys are ignored, so the document of
Set-ClientAccessNamespace.ps1 will do. Standard output is one JSON document between two marks, with the settings of every service, and the services this build of
Exchange does not have with the reason. Standard error is for people.

Exit codes: 0 all was read; 1 failure; 2 problems in the document; 3 Exchange is not installed; 5 Exchange setup is running.
.EXAMPLE
'{"server": "ex01", "exchangeVersion": "2016"}' | powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File Get-ClientAccessNamespace.ps1
#>
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'ClientAccess.ps1')

$report = [ordered]@{ server = $env:COMPUTERNAME; exchangeVersion = $null; settings = [ordered]@{}; skipped = [ordered]@{} }
exit (Invoke-NamespaceRun -Report $report -Body {
        param($Document, $Exchange)
        $problems = Read-Namespace -Exchange $Exchange -Name @($Exchange.Services.Keys) -Into $report['settings']
        Assert-NoProblem -Message 'Not every service could be read:' -Problem $problems
    })
