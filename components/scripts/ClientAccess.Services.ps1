# The one table of services: everything the scripts know of a service is a row here.

# Settings:      parameter name -> kind (see ClientAccess.Values.ps1); the parameter and the property read back have the same name.
# Object:        the virtual directory's name; empty where the server itself is the object.
# AppPools:      front-end application pools that hold on to the values. Back-end pools do not exist on a server with the Client Access role alone.
# Together:      groups of settings that the Set cmdlet wants in one call.
# SetParameters: what a Set call carries besides.
# FirstBuild:    the first build of Exchange that has the cmdlets.
# Path:          the first part of its clients' paths, where healthcheck.htm is.
# Component:     the server component that answers there.
function New-NamespaceService {
    param(
        [Parameter(Mandatory = $true)] [string] $Noun,
        [string] $Object = '',
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Settings,
        [string[]] $AppPools = @(),
        [object[]] $Together = @(),
        [hashtable] $SetParameters = @{},
        [version] $FirstBuild = '15.0',
        [Parameter(Mandatory = $true)] [string] $Path,
        [Parameter(Mandatory = $true)] [string] $Component
    )
    # Autodiscover answers with every service's URLs from a cache of its own, so its pool goes with each of them.
    [pscustomobject]@{
        Getter        = "Get-$Noun"
        Setter        = "Set-$Noun"
        Object        = $Object
        Settings      = $Settings
        AppPools      = $AppPools + 'MSExchangeAutodiscoverAppPool'
        Together      = $Together
        SetParameters = $SetParameters
        FirstBuild    = $FirstBuild
        Path          = $Path
        Component     = $Component
    }
}

# In the order of work: the service connection point comes last, so that Outlook is sent to the namespace when the rest of it stands.
# The URLs of the Autodiscover virtual directory (Exchange 2010 only) and of the PowerShell one (Microsoft support only) are left out on purpose.
function Get-NamespaceServiceTable {
    param([Parameter(Mandatory = $true)] [string] $ExchangeVersion)
    $urls = [ordered]@{ InternalUrl = 'Uri'; ExternalUrl = 'Uri' }
    $mapi = [ordered]@{ InternalUrl = 'Uri'; ExternalUrl = 'Uri'; IISAuthenticationMethods = 'AuthenticationMethods' }
    $serverNoun = if ($ExchangeVersion -eq '2013') { 'ClientAccessServer' } else { 'ClientAccessService' }
    [ordered]@{
        owa             = New-NamespaceService OwaVirtualDirectory 'owa (Default Web Site)' $urls -AppPools MSExchangeOWAAppPool -Path owa -Component OwaProxy
        ecp             = New-NamespaceService EcpVirtualDirectory 'ecp (Default Web Site)' $urls -AppPools MSExchangeECPAppPool -Path ecp -Component EcpProxy
        # Without -Force this one asks when the URL's name does not resolve yet, -Confirm:$false or not.
        ews             = New-NamespaceService WebServicesVirtualDirectory 'EWS (Default Web Site)' $urls -AppPools MSExchangeServicesAppPool -SetParameters @{ Force = $true } -Path ews -Component EwsProxy
        oab             = New-NamespaceService OabVirtualDirectory 'OAB (Default Web Site)' $urls -AppPools MSExchangeOABAppPool -Path oab -Component OabProxy
        activesync      = New-NamespaceService ActiveSyncVirtualDirectory 'Microsoft-Server-ActiveSync (Default Web Site)' $urls -AppPools MSExchangeSyncAppPool -Path Microsoft-Server-ActiveSync -Component ActiveSyncProxy
        # A MAPI URL is refused without authentication methods beside it. The cmdlets came with Exchange 2013 SP1.
        mapi            = New-NamespaceService MapiVirtualDirectory 'mapi (Default Web Site)' $mapi -AppPools MSExchangeMapiFrontEndAppPool -Together @(, @($mapi.Keys)) -FirstBuild '15.0.847' -Path mapi -Component MapiProxy
        outlookAnywhere = New-OutlookAnywhereService
        autodiscover    = New-NamespaceService $serverNoun -Settings ([ordered]@{ AutoDiscoverServiceInternalUri = 'Uri' }) -Path autodiscover -Component AutoDiscoverProxy
    }
}

function New-OutlookAnywhereService {
    $settings = [ordered]@{
        InternalHostname                   = 'Hostname'
        ExternalHostname                   = 'Hostname'
        InternalClientsRequireSsl          = 'Boolean'
        ExternalClientsRequireSsl          = 'Boolean'
        InternalClientAuthenticationMethod = 'AuthenticationMethod'
        ExternalClientAuthenticationMethod = 'AuthenticationMethod'
        SSLOffloading                      = 'Boolean'
    }
    # A host name is refused without its RequireSsl and authentication method in the same call.
    $together = @(
        , @('InternalHostname', 'InternalClientsRequireSsl', 'InternalClientAuthenticationMethod')
        , @('ExternalHostname', 'ExternalClientsRequireSsl', 'ExternalClientAuthenticationMethod')
    )
    New-NamespaceService OutlookAnywhere 'Rpc (Default Web Site)' $settings -AppPools MSExchangeRpcProxyFrontEndAppPool -Together $together -Path rpc -Component RpcProxy
}
