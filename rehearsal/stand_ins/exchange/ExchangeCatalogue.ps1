# The catalogue of the Exchange stand-in: which cmdlets each version of Exchange has, and the types of their parameters.

$Urls = [ordered]@{ InternalUrl = 'Uri'; ExternalUrl = 'Uri' }

# Object: key in the state. Set: the parameters that the project uses besides Identity, DomainController, WhatIf and
# Confirm. The stand-in refuses all other parameters of Exchange (FailbackUrl, the kinds of authentication).
$ObjectKinds = [ordered]@{
    OwaVirtualDirectory          = @{ Object = 'owa'; Name = 'owa (Default Web Site)'; Set = $Urls }
    EcpVirtualDirectory          = @{ Object = 'ecp'; Name = 'ecp (Default Web Site)'; Set = $Urls }
    WebServicesVirtualDirectory  = @{
        Object = 'ews'
        Name   = 'EWS (Default Web Site)'
        Set    = $Urls + @{ Force = 'switch' }
    }
    OabVirtualDirectory          = @{ Object = 'oab'; Name = 'OAB (Default Web Site)'; Set = $Urls }
    ActiveSyncVirtualDirectory   = @{
        Object = 'activesync'
        Name   = 'Microsoft-Server-ActiveSync (Default Web Site)'
        Set    = $Urls
    }
    MapiVirtualDirectory         = @{
        Object = 'mapi'
        Name   = 'mapi (Default Web Site)'
        Set    = $Urls + @{ IISAuthenticationMethods = 'AuthenticationMethods' }
    }
    AutodiscoverVirtualDirectory = @{
        Object = 'autodiscoverVirtualDirectory'
        Name   = 'Autodiscover (Default Web Site)'
        Set    = @{}
    }
    OutlookAnywhere              = @{
        Object = 'outlookAnywhere'
        Name   = 'Rpc (Default Web Site)'
        Set    = [ordered]@{
            InternalHostname                   = 'Hostname'
            ExternalHostname                   = 'Hostname'
            InternalClientsRequireSsl          = 'bool'
            ExternalClientsRequireSsl          = 'bool'
            InternalClientAuthenticationMethod = 'AuthenticationMethod'
            ExternalClientAuthenticationMethod = 'AuthenticationMethod'
            SSLOffloading                      = 'bool'
        }
    }
    ClientAccessServer           = @{
        Object = 'autodiscover'
        Name   = ''
        Set    = [ordered]@{ AutoDiscoverServiceInternalUri = 'Uri' }
    }
    ClientAccessService          = @{
        Object = 'autodiscover'
        Name   = ''
        Set    = [ordered]@{ AutoDiscoverServiceInternalUri = 'Uri' }
    }
}

# Returns the names of the cmdlets that a server of this version offers, without those that the organisation withholds,
# as if the user lacked a role.
function Get-OfferedCmdlet {
    [CmdletBinding()]
    param(
        [string] $Version,
        [string[]] $Withheld
    )
    $absent = @(
        if ($Version -like '2013*') { 'ClientAccessService' }
        if ($Version -eq '2013RTM') { 'MapiVirtualDirectory' }
    )
    $nouns = $ObjectKinds.Keys | Where-Object { $_ -notin $absent }
    $cmdlets = @('Get-ExchangeServer', 'Get-ServerComponentState', 'Set-ServerComponentState')
    $cmdlets += @('Get', 'Import', 'Enable' | ForEach-Object { "$_-ExchangeCertificate" })
    $cmdlets += @($nouns | ForEach-Object { "Get-$_", "Set-$_" })
    $cmdlets | Where-Object { $_ -notin $Withheld }
}

# Returns the text of the proxy function that Import-PSSession creates for a cmdlet.
function Get-ProxyText {
    [CmdletBinding()]
    param(
        [string] $Cmdlet,
        [int] $SessionId
    )
    $verb, $noun = $Cmdlet -split '-', 2
    $parameters = switch ($verb) {
        'Get' { Get-GetParameterText $noun }
        'Set' { Get-SetParameterText $noun }
        # FileName is left out: newer builds of Exchange refuse it.
        'Import' {
            '[Parameter(Mandatory)] [byte[]] $FileData, [securestring] $Password, $Server, $DomainController, ' +
            '[bool] $PrivateKeyExportable, [string] $FriendlyName'
        }
        'Enable' {
            '[Parameter(Mandatory, Position = 0)] [string] $Thumbprint, [Parameter(Mandatory)] $Services, $Server, ' +
            '$DomainController, [switch] $Force, [switch] $DoNotRequireSsl, [switch] $NetworkServiceAllowed'
        }
    }
    # As a function of a module it uses the global $ErrorActionPreference and not that of the calling script.
    @"
function $Cmdlet {
    [CmdletBinding(DefaultParameterSetName = 'Identity', SupportsShouldProcess = `$$($verb -ne 'Get'))]
    param($parameters)
    process {
        `$call = { param(`$name, `$session, `$bound) Invoke-Proxied `$name `$session `$bound }
        foreach (`$item in @(& `$StandIn `$call '$Cmdlet' $SessionId `$PSBoundParameters)) {
            switch (`$item.Stream) {
                'Error' { `$PSCmdlet.WriteError(`$item.Value) }
                'Terminating' { `$PSCmdlet.ThrowTerminatingError(`$item.Value) }
                'Warning' { `$PSCmdlet.WriteWarning(`$item.Value) }
                default { `$item.Value }
            }
        }
    }
}
"@
}

function Get-GetParameterText {
    [CmdletBinding()]
    param([string] $Noun)
    if ($Noun -eq 'ExchangeCertificate') { return '[string] $Thumbprint, $Server, $DomainController' }
    if ($Noun -eq 'ServerComponentState') {
        return @(
            '[Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] $Identity'
            '[string] $Component'
            '$DomainController'
        ) -join ', '
    }
    $text = "[Parameter(Position = 0, ParameterSetName = 'Identity', ValueFromPipelineByPropertyName)] `$Identity, " +
    '$DomainController'
    if ($Noun -eq 'ExchangeServer') { return "$text, [switch] `$Status" }
    if ($Noun -like 'ClientAccess*') { return $text }
    $text += ", [Parameter(Mandatory, ParameterSetName = 'Server')] `$Server, [switch] `$ADPropertiesOnly"
    if ($Noun -ne 'MapiVirtualDirectory') { $text += ', [switch] $ShowMailboxVirtualDirectories' }
    $text
}

function Get-SetParameterText {
    [CmdletBinding()]
    param([string] $Noun)
    $text = '[Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] $Identity, $DomainController'
    if ($Noun -eq 'ServerComponentState') {
        return @(
            $text
            '[Parameter(Mandatory)] [string] $Component'
            '[Parameter(Mandatory)] [string] $Requester'
            '[Parameter(Mandatory)] [string] $State'
            '[switch] $LocalOnly'
            '[switch] $RemoteOnly'
            '[int] $TimeoutInSeconds'
        ) -join ', '
    }
    foreach ($name in $ObjectKinds[$Noun].Set.Keys) {
        $type = switch ($ObjectKinds[$Noun].Set[$name]) { 'bool' { '[bool] ' } 'switch' { '[switch] ' } default { '' } }
        $text += ", $type`$$name"
    }
    $text
}

$AuthenticationMethodNames = @(
    'Basic'
    'Digest'
    'Ntlm'
    'Fba'
    'WindowsIntegrated'
    'LiveIdFba'
    'LiveIdBasic'
    'WSSecurity'
    'Certificate'
    'NegoEx'
    'OAuth'
    'Adfs'
    'Kerberos'
    'Negotiate'
)

# Converts an argument as the parameter binder does; throws the binder's message if it cannot.
function ConvertTo-BoundValue {
    [CmdletBinding()]
    param(
        [string] $Parameter,
        [string] $Kind,
        $Value
    )
    $refuse = {
        param($Type)
        throw "Cannot process argument transformation on parameter '$Parameter'. " +
        "Cannot convert value `"$Value`" to type `"$Type`"."
    }
    switch ($Kind) {
        'Uri' {
            if ("$Value" -eq '') { return $null }
            $uri = $null
            if (-not [Uri]::TryCreate("$Value", 'Absolute', [ref] $uri) -or $uri.Scheme -notin 'http', 'https') {
                & $refuse 'System.Uri'
            }
            return $uri.OriginalString
        }
        'Hostname' {
            if ($null -eq $Value) { return $null }
            if ("$Value" -notmatch '^(?=.{1,255}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$') {
                & $refuse 'Microsoft.Exchange.Data.Hostname'
            }
            return "$Value"
        }
        'AuthenticationMethod' {
            if ($Value -is [array] -or "$Value" -notin $AuthenticationMethodNames) {
                & $refuse 'Microsoft.Exchange.Data.Directory.SystemConfiguration.AuthenticationMethod'
            }
            return @($AuthenticationMethodNames -eq "$Value")[0]
        }
        'AuthenticationMethods' {
            foreach ($method in @($Value)) {
                if ("$method" -notin $AuthenticationMethodNames) {
                    & $refuse 'Microsoft.Exchange.Data.MultiValuedProperty`1[AuthenticationMethod]'
                }
            }
            return , @(@($Value) | ForEach-Object { "$_" })
        }
        'switch' { return [bool] $Value }
        default { return $Value }
    }
}
