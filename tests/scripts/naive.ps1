<#
.SYNOPSIS
Does what a careless script would do with the Exchange stand-in, and prints the results.
.DESCRIPTION
Runs on ex1 of an organisation with ex1, ex2 (2016), ex13 (2013) and ex13rtm (2013 without service pack). Prints one
JSON object: name of the attempt -> its result, or "FAILED: " and its terminating error. test_traps.py says what each
shows.
#>
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
$results = [ordered]@{}

$owa = @{ Identity = 'EX1\owa (Default Web Site)' }
$ews = @{ Identity = 'EX1\EWS (Default Web Site)' }
$oab = @{ Identity = 'EX1\OAB (Default Web Site)' }
$mapi = @{ Identity = 'EX1\mapi (Default Web Site)' }
$rpc = @{ Identity = 'EX1\Rpc (Default Web Site)' }
$activeSync = @{ Identity = 'EX1\Microsoft-Server-ActiveSync (Default Web Site)' }
$nothing = @{ Identity = 'EX1\nothing' }

# Runs the attempt with a script's preference, and keeps its result or its terminating error.
function Add-Result {
    [CmdletBinding()]
    param(
        [string] $Name,
        [scriptblock] $Attempt
    )
    try {
        $results[$Name] = & $Attempt
    } catch {
        $results[$Name] = "FAILED: $($_.Exception.Message)"
    }
}

function Open-Session {
    [CmdletBinding()]
    param(
        [string] $Name,
        [hashtable] $Change = @{}
    )
    $parameters = @{
        ConfigurationName = 'Microsoft.Exchange'
        ConnectionUri     = "http://$Name.corp.example/PowerShell/"
        Authentication    = 'Kerberos'
    }
    foreach ($key in $Change.Keys) { $parameters[$key] = $Change[$key] }
    New-PSSession @parameters -ErrorAction Stop
}

function Get-FirstError {
    [CmdletBinding()]
    param([scriptblock] $Attempt)
    $Error.Clear()
    & $Attempt 2>$null | Out-Null
    "$(@($Error)[0])"
}

Add-Result 'other configuration' { Open-Session 'ex1' @{ ConfigurationName = 'Microsoft.PowerShell' } }
Add-Result 'other authentication' { Open-Session 'ex1' @{ Authentication = 'Negotiate' } }
Add-Result 'shared name' { Open-Session 'ex1' @{ ConnectionUri = 'http://mail.example.com/PowerShell/' } }
Add-Result 'wrong password' {
    $guess = ConvertTo-SecureString 'guess' -AsPlainText -Force
    Open-Session 'ex1' @{ Credential = New-Object pscredential('CORP\operator', $guess) }
}
Add-Result 'failed session does not terminate the script' {
    New-PSSession -ConnectionUri 'http://ex1.corp.example/PowerShell/' 2>$null
    'went on'
}
Add-Result 'cmdlets before import' { Get-OwaVirtualDirectory }

$session = Open-Session 'ex1'
Add-Result 'variables in the endpoint' {
    Get-FirstError {
        Invoke-Command -Session $session -ScriptBlock {
            $x = 'ex1'
            Get-OwaVirtualDirectory -Identity $x
        }
    }
}
Add-Result 'single command in the endpoint' {
    (Invoke-Command -Session $session -ScriptBlock { Get-ExchangeServer -Identity ex1 }).Name
}
Add-Result 'import of an unknown cmdlet' {
    Get-FirstError {
        $names = 'Get-OabVirtualDirectory', 'Get-Nonsense'
        Import-PSSession $session -CommandName $names -AllowClobber -ErrorAction Continue
    }
}
Import-PSSession $session -AllowClobber | Out-Null

Add-Result 'error ends nothing' {
    Set-OabVirtualDirectory @nothing -ExternalUrl https://mail.example.com/OAB 2>$null
    'went on'
}
Add-Result 'error with ErrorAction' {
    Set-OabVirtualDirectory @nothing -ExternalUrl https://mail.example.com/OAB -ErrorAction Stop
    'went on'
}
Add-Result 'missing identity' { @(Get-OabVirtualDirectory @nothing | ForEach-Object { $_.Server }) }
Add-Result 'null identity' { @(Get-OabVirtualDirectory -Identity $null).Count }
Add-Result 'piped into set' {
    $controller = @{ DomainController = 'dc2.corp.example' }
    $url = 'https://mail.example.com/ecp'
    $change = @{ ExternalUrl = $url; WarningAction = 'SilentlyContinue' }
    Get-EcpVirtualDirectory @nothing | Set-EcpVirtualDirectory @change @controller
    @(Get-EcpVirtualDirectory @controller | Where-Object { "$($_.ExternalUrl)" -eq $url }).Count
}
Add-Result 'relative url' { Set-OabVirtualDirectory @oab -ExternalUrl mail.example.com/OAB }
Add-Result 'hostname with scheme' {
    $values = @{
        ExternalHostname                   = 'https://mail.example.com'
        ExternalClientsRequireSsl          = $true
        ExternalClientAuthenticationMethod = 'Ntlm'
    }
    Set-OutlookAnywhere @rpc @values
}
Add-Result 'unknown parameter' {
    $directory = @{ Identity = 'EX1\Autodiscover (Default Web Site)' }
    Set-AutodiscoverVirtualDirectory @directory -InternalUrl https://mail.example.com/autodiscover
}
Add-Result 'ews asks' {
    Set-WebServicesVirtualDirectory @ews -ExternalUrl https://unknown.example.com/EWS -Confirm:$false
}
Add-Result 'ews with force' {
    Set-WebServicesVirtualDirectory @ews -ExternalUrl https://unknown.example.com/EWS -Force
    'went on'
}
Add-Result 'confirm asks' { Set-OabVirtualDirectory @oab -ExternalUrl https://mail.example.com/OAB -Confirm }
Add-Result 'parameter of 2010' { Set-OabVirtualDirectory @oab -PollInterval 60 }
Add-Result 'mapi without methods' {
    Get-FirstError { Set-MapiVirtualDirectory @mapi -ExternalUrl https://mail.example.com/mapi }
}
Add-Result 'hostname without pair' { Get-FirstError { Set-OutlookAnywhere @rpc -ExternalHostname mail.example.com } }
Add-Result 'offloading contradiction' { Get-FirstError { Set-OutlookAnywhere @rpc -SSLOffloading $false } }
Add-Result 'require ssl without hostname' {
    $controller = @{ DomainController = 'dc1.corp.example' }
    Set-OutlookAnywhere @rpc @controller -ExternalClientsRequireSsl $true
    (Get-OutlookAnywhere @rpc @controller).ExternalClientsRequireSsl
}
Add-Result 'stale read' {
    Set-ActiveSyncVirtualDirectory @activeSync -ExternalUrl https://mail.example.com/eas
    "$((Get-ActiveSyncVirtualDirectory @activeSync).ExternalUrl)"
}
Add-Result 'unknown domain controller' {
    Get-FirstError { Get-OwaVirtualDirectory -DomainController dc9.corp.example }
}
Add-Result 'warning' {
    $change = @{ ExternalUrl = 'https://mail.example.com/owa'; DomainController = 'dc1.corp.example' }
    Set-OwaVirtualDirectory @owa @change 3>&1 | ForEach-Object { "$_" }
}
Add-Result 'nothing modified' {
    Set-OabVirtualDirectory @oab -InternalUrl https://ex1.corp.example/OAB 3>&1 | ForEach-Object { "$_" }
}
Add-Result 'older cmdlet warns' {
    $change = @{ Identity = 'EX1'; AutoDiscoverServiceInternalUri = 'https://mail.example.com/a' }
    Set-ClientAccessServer @change 3>&1 | ForEach-Object { "$_" }
}
Add-Result 'types' {
    $directory = Get-OwaVirtualDirectory @owa
    $anywhere = Get-OutlookAnywhere @rpc
    @(
        $directory.InternalUrl.GetType().FullName
        $anywhere.InternalHostname.PSObject.TypeNames[0]
        $anywhere.InternalHostname.HostnameString
        "$((Get-ExchangeServer -Identity ex1).AdminDisplayVersion)"
    )
}
Add-Result 'fails back to itself' {
    $change = @{ ExternalUrl = 'https://mail.example.com/owa'; FailbackUrl = 'https://mail.example.com/owa' }
    Set-OwaVirtualDirectory @owa @change -WarningAction SilentlyContinue
    'went on'
}
Add-Result 'forms and basic at once' {
    Set-OwaVirtualDirectory @owa -FormsAuthentication $false -BasicAuthentication $true -WarningAction Ignore
    'went on'
}
Add-Result 'identity and server' { Get-OwaVirtualDirectory @owa -Server EX1 }
Add-Result 'missing pool' {
    Import-Module WebAdministration
    Get-FirstError { Restart-WebAppPool -Name MSExchangeNonsenseAppPool }
}
Remove-PSSession $session
Add-Result 'after the session' { Get-OwaVirtualDirectory -ErrorAction Stop }

Add-Result 'sessions never removed' {
    $open = 1..18 | ForEach-Object { Open-Session 'ex1' }
    try {
        Open-Session 'ex1'
    } finally {
        $open | Remove-PSSession
    }
}

$cmdlets = 'Set-ClientAccessService', 'Set-ClientAccessServer', 'Set-MapiVirtualDirectory'
foreach ($older in 'ex13', 'ex13rtm') {
    $session = Open-Session $older
    $module = Import-PSSession $session -AllowClobber
    $results["absent in $older"] = @($cmdlets | Where-Object { $_ -notin $module.ExportedFunctions.Keys })
    Remove-PSSession $session
}
ConvertTo-Json $results
