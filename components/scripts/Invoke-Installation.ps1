<#
.SYNOPSIS
Installs Exchange on this server; the scheduled task of Install-ExchangeServer.ps1 runs it.
.DESCRIPTION
Reads installation.json in the folder, goes through the phases (domain, features, packages, restart, media, directory,
setup, finish), appends to progress.log, and writes result.json: state (complete, failed, restart or waiting), phase and
text. At the end it removes the task, and with it the stored password.
.PARAMETER Folder
The folder of the installation.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [string] $Folder
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
. (Join-Path $PSScriptRoot 'Installation.ps1')

try {
    $document = Read-InstallationFile -Folder $Folder -Name 'installation.json'
    Invoke-InstallationTask -Installation (New-Installation -Document $document -Folder $Folder)
} finally {
    Remove-InstallationTask
}
