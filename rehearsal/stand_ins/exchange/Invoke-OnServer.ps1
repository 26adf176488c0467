# Runs a script as `powershell -File SCRIPT ARGUMENTS` would on a server, with the stand-ins in place of Windows and Exchange.
# A child scope, as strict as can be: imported cmdlets do not see the script's preferences.

Import-Module (Join-Path $PSScriptRoot 'WindowsStandIn.psm1') -Global -DisableNameChecking
if ($env:EXCHANGE_STANDIN_ORGANISATION) { Import-Module (Join-Path $PSScriptRoot 'ExchangeStandIn.psm1') -Global -DisableNameChecking }
$env:PSModulePath = (Join-Path $PSScriptRoot 'modules') + [System.IO.Path]::PathSeparator + $env:PSModulePath

$named = @{}
for ($i = 1; $i -lt $args.Count; $i += 2) { $named["$($args[$i])".TrimStart('-')] = $args[$i + 1] }
$global:LASTEXITCODE = $null
& $args[0] @named
$succeeded = $?
# Without an exit of its own a script ends with 0, one that never ran (its arguments were refused) with 1.
if ($null -ne $LASTEXITCODE) { exit $LASTEXITCODE } elseif ($succeeded) { exit 0 } else { exit 1 }
