# Describes every service in one table, which is all that the scripts know of a service.

<#
.SYNOPSIS
Returns one service, with the names of its Get and Set cmdlets.
.PARAMETER Noun
The noun of the Get and Set cmdlets.
.PARAMETER Object
The name of the virtual directory; empty if the object is the server itself.
.PARAMETER Settings
Parameter name -> kind (see ClientAccess.Values.ps1). The parameter of Set and the property of Get have the same name.
.PARAMETER AppPools
The front-end application pools that cache the values. A server with only the Client Access role has no back-end pools.
.PARAMETER Together
Groups of settings that the Set cmdlet requires in one call.
.PARAMETER SetParameters
Parameters that each call of the Set cmdlet needs.
.PARAMETER FirstBuild
The first build of Exchange that has the cmdlets.
.PARAMETER Path
The first part of the URL path of its clients, where healthcheck.htm is.
.PARAMETER Component
The server component that answers there.
#>
function New-NamespaceService {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Noun,

        [string] $Object = '',

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Settings,

        [string[]] $AppPools = @(),

        [object[]] $Together = @(),

        [hashtable] $SetParameters = @{},

        [version] $FirstBuild = '15.0',

        [Parameter(Mandatory)]
        [string] $Path,

        [Parameter(Mandatory)]
        [string] $Component
    )
    # Autodiscover caches the URLs of every service, so its pool is recycled with each of them.
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

# Returns service name -> service, in the order of work. The service connection point (autodiscover) comes last, so that
# Outlook is sent to the namespace only when everything else has it. The URLs of the Autodiscover virtual directory
# (used by Exchange 2010 only) and of the PowerShell one (changed with Microsoft support only) are left out on purpose.
function Get-NamespaceServiceTable {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $ExchangeVersion
    )
    $urls = [ordered]@{ InternalUrl = 'Uri'; ExternalUrl = 'Uri' }
    $mapi = [ordered]@{
        InternalUrl              = 'Uri'
        ExternalUrl              = 'Uri'
        IISAuthenticationMethods = 'AuthenticationMethods'
    }
    $rows = [ordered]@{
        owa             = @{
            Noun      = 'OwaVirtualDirectory'
            Object    = 'owa (Default Web Site)'
            Settings  = $urls
            AppPools  = 'MSExchangeOWAAppPool'
            Path      = 'owa'
            Component = 'OwaProxy'
        }
        ecp             = @{
            Noun      = 'EcpVirtualDirectory'
            Object    = 'ecp (Default Web Site)'
            Settings  = $urls
            AppPools  = 'MSExchangeECPAppPool'
            Path      = 'ecp'
            Component = 'EcpProxy'
        }
        ews             = @{
            Noun          = 'WebServicesVirtualDirectory'
            Object        = 'EWS (Default Web Site)'
            Settings      = $urls
            AppPools      = 'MSExchangeServicesAppPool'
            # Without Force this cmdlet asks if the URL's name does not resolve yet, also with -Confirm:$false.
            SetParameters = @{ Force = $true }
            Path          = 'ews'
            Component     = 'EwsProxy'
        }
        oab             = @{
            Noun      = 'OabVirtualDirectory'
            Object    = 'OAB (Default Web Site)'
            Settings  = $urls
            AppPools  = 'MSExchangeOABAppPool'
            Path      = 'oab'
            Component = 'OabProxy'
        }
        activesync      = @{
            Noun      = 'ActiveSyncVirtualDirectory'
            Object    = 'Microsoft-Server-ActiveSync (Default Web Site)'
            Settings  = $urls
            AppPools  = 'MSExchangeSyncAppPool'
            Path      = 'Microsoft-Server-ActiveSync'
            Component = 'ActiveSyncProxy'
        }
        mapi            = @{
            Noun       = 'MapiVirtualDirectory'
            Object     = 'mapi (Default Web Site)'
            Settings   = $mapi
            AppPools   = 'MSExchangeMapiFrontEndAppPool'
            # The cmdlet refuses a URL without authentication methods.
            Together   = @(, @($mapi.Keys))
            # Exchange 2013 SP1.
            FirstBuild = '15.0.847'
            Path       = 'mapi'
            Component  = 'MapiProxy'
        }
        outlookAnywhere = Get-OutlookAnywhereRow
        autodiscover    = @{
            Noun      = if ($ExchangeVersion -eq '2013') { 'ClientAccessServer' } else { 'ClientAccessService' }
            Settings  = [ordered]@{ AutoDiscoverServiceInternalUri = 'Uri' }
            Path      = 'autodiscover'
            Component = 'AutoDiscoverProxy'
        }
    }
    $table = [ordered]@{}
    foreach ($name in $rows.Keys) {
        $row = $rows[$name]
        $table[$name] = New-NamespaceService @row
    }
    $table
}

function Get-OutlookAnywhereRow {
    @{
        Noun      = 'OutlookAnywhere'
        Object    = 'Rpc (Default Web Site)'
        Settings  = [ordered]@{
            InternalHostname                   = 'Hostname'
            ExternalHostname                   = 'Hostname'
            InternalClientsRequireSsl          = 'Boolean'
            ExternalClientsRequireSsl          = 'Boolean'
            InternalClientAuthenticationMethod = 'AuthenticationMethod'
            ExternalClientAuthenticationMethod = 'AuthenticationMethod'
            SSLOffloading                      = 'Boolean'
        }
        AppPools  = 'MSExchangeRpcProxyFrontEndAppPool'
        # The cmdlet refuses a host name without its RequireSsl and its authentication method in the same call.
        Together  = @(
            , @('InternalHostname', 'InternalClientsRequireSsl', 'InternalClientAuthenticationMethod')
            , @('ExternalHostname', 'ExternalClientsRequireSsl', 'ExternalClientAuthenticationMethod')
        )
        Path      = 'rpc'
        Component = 'RpcProxy'
    }
}
