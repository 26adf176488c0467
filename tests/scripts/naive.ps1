# What a careless script would do, on ex1 of an organisation with ex1, ex2 (2016), ex13 (2013) and ex13rtm (2013 without service pack).
# Prints one JSON object: name -> what came of it. test_traps.py says what each shows.

$ErrorActionPreference = 'Stop'
$results = [ordered]@{}

# Runs a block with the preference of a script, and keeps its result, or the text of its terminating error.
function Try-This([string] $Name, [scriptblock] $Body) {
    try { $results[$Name] = & $Body } catch { $results[$Name] = "FAILED: $($_.Exception.Message)" }
}
function Open([string] $Name, [hashtable] $Change = @{}) {
    $parameters = @{
        ConfigurationName = 'Microsoft.Exchange'
        ConnectionUri     = "http://$Name.corp.example/PowerShell/"
        Authentication    = 'Kerberos'
    }
    foreach ($key in $Change.Keys) { $parameters[$key] = $Change[$key] }
    New-PSSession @parameters -ErrorAction Stop
}
function ErrorsOf([scriptblock] $Body) { $Error.Clear(); & $Body 2>$null | Out-Null; "$(@($Error)[0])" }

Try-This 'other configuration' { Open 'ex1' @{ ConfigurationName = 'Microsoft.PowerShell' } }
Try-This 'other authentication' { Open 'ex1' @{ Authentication = 'Negotiate' } }
Try-This 'shared name' { Open 'ex1' @{ ConnectionUri = 'http://mail.example.com/PowerShell/' } }
Try-This 'wrong password' { Open 'ex1' @{ Credential = New-Object pscredential('CORP\operator', (ConvertTo-SecureString 'guess' -AsPlainText -Force)) } }
Try-This 'failed session is no terminating error' { New-PSSession -ConnectionUri 'http://ex1.corp.example/PowerShell/' 2>$null; 'went on' }
Try-This 'cmdlets before import' { Get-OwaVirtualDirectory }

$session = Open 'ex1'
Try-This 'variables in the endpoint' { ErrorsOf { Invoke-Command -Session $session -ScriptBlock { $x = 'ex1'; Get-OwaVirtualDirectory -Identity $x } } }
Try-This 'single command in the endpoint' { (Invoke-Command -Session $session -ScriptBlock { Get-ExchangeServer -Identity ex1 }).Name }
Try-This 'import of an unknown cmdlet' { ErrorsOf { Import-PSSession $session -CommandName Get-OabVirtualDirectory, Get-Nonsense -AllowClobber -ErrorAction Continue } }
Import-PSSession $session -AllowClobber | Out-Null

Try-This 'error ends nothing' { Set-OabVirtualDirectory -Identity 'EX1\nothing' -ExternalUrl https://mail.example.com/OAB 2>$null; 'went on' }
Try-This 'error with ErrorAction' { Set-OabVirtualDirectory -Identity 'EX1\nothing' -ExternalUrl https://mail.example.com/OAB -ErrorAction Stop; 'went on' }
Try-This 'missing identity' { @(Get-OabVirtualDirectory -Identity 'EX1\nothing' | ForEach-Object { $_.Server }) }
Try-This 'null identity' { @(Get-OabVirtualDirectory -Identity $null).Count }
Try-This 'piped into set' {
    Get-EcpVirtualDirectory -Identity 'EX1\nothing' | Set-EcpVirtualDirectory -ExternalUrl https://mail.example.com/ecp -DomainController dc2.corp.example -WarningAction SilentlyContinue
    @(Get-EcpVirtualDirectory -DomainController dc2.corp.example | Where-Object { "$($_.ExternalUrl)" -eq 'https://mail.example.com/ecp' }).Count
}
Try-This 'relative url' { Set-OabVirtualDirectory -Identity 'EX1\OAB (Default Web Site)' -ExternalUrl mail.example.com/OAB }
Try-This 'hostname with scheme' {
    Set-OutlookAnywhere -Identity 'EX1\Rpc (Default Web Site)' -ExternalHostname https://mail.example.com -ExternalClientsRequireSsl $true -ExternalClientAuthenticationMethod Ntlm
}
Try-This 'unknown parameter' { Set-AutodiscoverVirtualDirectory -Identity 'EX1\Autodiscover (Default Web Site)' -InternalUrl https://mail.example.com/autodiscover }
Try-This 'ews asks' { Set-WebServicesVirtualDirectory -Identity 'EX1\EWS (Default Web Site)' -ExternalUrl https://unknown.example.com/EWS -Confirm:$false }
Try-This 'ews with force' { Set-WebServicesVirtualDirectory -Identity 'EX1\EWS (Default Web Site)' -ExternalUrl https://unknown.example.com/EWS -Force; 'went on' }
Try-This 'confirm asks' { Set-OabVirtualDirectory -Identity 'EX1\OAB (Default Web Site)' -ExternalUrl https://mail.example.com/OAB -Confirm }
Try-This 'parameter of 2010' { Set-OabVirtualDirectory -Identity 'EX1\OAB (Default Web Site)' -PollInterval 60 }
Try-This 'mapi without methods' { ErrorsOf { Set-MapiVirtualDirectory -Identity 'EX1\mapi (Default Web Site)' -ExternalUrl https://mail.example.com/mapi } }
Try-This 'hostname without pair' { ErrorsOf { Set-OutlookAnywhere -Identity 'EX1\Rpc (Default Web Site)' -ExternalHostname mail.example.com } }
Try-This 'offloading contradiction' { ErrorsOf { Set-OutlookAnywhere -Identity 'EX1\Rpc (Default Web Site)' -SSLOffloading $false } }
Try-This 'require ssl without hostname' {
    Set-OutlookAnywhere -Identity 'EX1\Rpc (Default Web Site)' -ExternalClientsRequireSsl $true -DomainController dc1.corp.example
    (Get-OutlookAnywhere -Identity 'EX1\Rpc (Default Web Site)' -DomainController dc1.corp.example).ExternalClientsRequireSsl
}
Try-This 'stale read' {
    Set-ActiveSyncVirtualDirectory -Identity 'EX1\Microsoft-Server-ActiveSync (Default Web Site)' -ExternalUrl https://mail.example.com/eas
    "$((Get-ActiveSyncVirtualDirectory -Identity 'EX1\Microsoft-Server-ActiveSync (Default Web Site)').ExternalUrl)"
}
Try-This 'unknown domain controller' { ErrorsOf { Get-OwaVirtualDirectory -DomainController dc9.corp.example } }
Try-This 'warning' { Set-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)' -ExternalUrl https://mail.example.com/owa -DomainController dc1.corp.example 3>&1 | ForEach-Object { "$_" } }
Try-This 'nothing modified' { Set-OabVirtualDirectory -Identity 'EX1\OAB (Default Web Site)' -InternalUrl https://ex1.corp.example/OAB 3>&1 | ForEach-Object { "$_" } }
Try-This 'older cmdlet warns' { Set-ClientAccessServer -Identity EX1 -AutoDiscoverServiceInternalUri https://mail.example.com/a 3>&1 | ForEach-Object { "$_" } }
Try-This 'types' {
    $owa = Get-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)'
    $rpc = Get-OutlookAnywhere -Identity 'EX1\Rpc (Default Web Site)'
    @($owa.InternalUrl.GetType().FullName, $rpc.InternalHostname.PSObject.TypeNames[0], $rpc.InternalHostname.HostnameString, "$((Get-ExchangeServer -Identity ex1).AdminDisplayVersion)")
}
Try-This 'fails back to itself' { Set-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)' -ExternalUrl https://mail.example.com/owa -FailbackUrl https://mail.example.com/owa -WarningAction SilentlyContinue; 'went on' }
Try-This 'forms and basic at once' { Set-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)' -FormsAuthentication $false -BasicAuthentication $true -WarningAction SilentlyContinue; 'went on' }
Try-This 'identity and server' { Get-OwaVirtualDirectory -Identity 'EX1\owa (Default Web Site)' -Server EX1 }
Try-This 'missing pool' { Import-Module WebAdministration; ErrorsOf { Restart-WebAppPool -Name MSExchangeNonsenseAppPool } }
Remove-PSSession $session
Try-This 'after the session' { Get-OwaVirtualDirectory -ErrorAction Stop }

Try-This 'sessions never removed' {
    $open = 1..18 | ForEach-Object { Open 'ex1' }
    try { Open 'ex1' } finally { $open | Remove-PSSession }
}

foreach ($older in 'ex13', 'ex13rtm') {
    $session = Open $older
    $module = Import-PSSession $session -AllowClobber
    $results["absent in $older"] = @('Set-ClientAccessService', 'Set-ClientAccessServer', 'Set-MapiVirtualDirectory' | Where-Object { $_ -notin $module.ExportedFunctions.Keys })
    Remove-PSSession $session
}
ConvertTo-Json $results
