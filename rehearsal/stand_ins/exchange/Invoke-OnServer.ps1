# Runs a script as `powershell -File SCRIPT ARGUMENTS` does on a server, with stand-ins for Windows and Exchange. The
# script runs in a child scope, so that the imported cmdlets do not see its preferences.

Import-Module (Join-Path $PSScriptRoot 'WindowsStandIn.psm1') -Global -DisableNameChecking
if ($env:EXCHANGE_STANDIN_ORGANISATION) {
    Import-Module (Join-Path $PSScriptRoot 'ExchangeStandIn.psm1') -Global -DisableNameChecking
}
$env:PSModulePath = (Join-Path $PSScriptRoot 'modules') + [System.IO.Path]::PathSeparator + $env:PSModulePath

$named = @{}
for ($i = 1; $i -lt $args.Count; $i += 2) { $named["$($args[$i])".TrimStart('-')] = $args[$i + 1] }
$global:LASTEXITCODE = $null
& $args[0] @named
$succeeded = $?
# A script without "exit" ends with 0; one that did not run, because its arguments were refused, ends with 1.
if ($null -ne $LASTEXITCODE) { exit $LASTEXITCODE } elseif ($succeeded) { exit 0 } else { exit 1 }
