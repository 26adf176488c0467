# Stand-in for the module ActiveDirectory. State: directory.json in the organisation's folder, with one copy of the
# objects on each domain controller. directory.py has the same rules.

. (Join-Path $PSScriptRoot '..' '..' 'ExchangeState.ps1')

$features = (Read-Windows)['features']
if (-not $features -or -not $features['RSAT-AD-PowerShell']) {
    throw "The specified module 'ActiveDirectory' was not loaded because no valid module file was found in any " +
    'module directory.'
}

$DirectoryFile = Join-Path $OrganisationFolder 'directory.json'
$Unreachable = 'Unable to contact the server. This may be because this server does not exist, it is currently down, ' +
'or it does not have the Active Directory Web Services running.'

function Read-Directory {
    if (-not (Test-Path -LiteralPath $DirectoryFile)) {
        throw 'Unable to find a default server with Active Directory Web Services running.'
    }
    # After a logon with a key, Windows has no credential for another machine.
    if ($env:EXCHANGE_STANDIN_LOGON -ne 'password') { throw 'The server has rejected the client credentials.' }
    $state = Read-Json $DirectoryFile
    $now = [System.DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds() / 1000
    $waiting = @()
    foreach ($change in @($state.pending)) {
        if ($change.due -gt $now) {
            $waiting += $change
            continue
        }
        $objects = $state.copies[$change.to]
        if (-not $objects.ContainsKey($change.dn)) { $objects[$change.dn] = @{} }
        foreach ($name in $change.values.Keys) { $objects[$change.dn][$name] = $change.values[$name] }
    }
    $state.pending = $waiting
    $state
}

# Returns the name of the domain controller that answers for -Server, which may be a domain. Without -Server it is the
# one to which changes come last.
function Find-Controller {
    [CmdletBinding()]
    param(
        $State,
        [string] $Server
    )
    $online = @($State.controllers.Keys | Sort-Object | Where-Object { $State.controllers[$_].online })
    $found = if (-not $Server -or $Server -eq $State.domain) {
        $online | Select-Object -Last 1
    } else {
        $online | Where-Object { $_ -eq $Server }
    }
    if (-not $found) { throw $Unreachable }
    $found
}

function New-DirectoryObject {
    [CmdletBinding()]
    param(
        [string] $DistinguishedName,
        $Values,
        [string[]] $Property
    )
    $object = [ordered]@{
        DistinguishedName = $DistinguishedName
        Name              = ($DistinguishedName -split ',')[0] -replace '^\w+=', ''
        ObjectClass       = $Values.objectClass
    }
    foreach ($name in $Property) {
        $key = @($Values.Keys | Where-Object { $_ -eq $name })[0]
        $object[$name] = if ($key) { $Values[$key] } else { $null }
    }
    [pscustomobject] $object
}

# Accepts (attribute=value), and several of them in (&...).
function Test-Filter {
    [CmdletBinding()]
    param(
        [string] $Filter,
        [string] $DistinguishedName,
        $Values
    )
    $inner = if ($Filter -match '^\(&((\([^()]+\))+)\)$') { $Matches[1] } else { $Filter }
    if ($inner -notmatch '^(\(\w+=[^()=*]+\))+$') { throw "The search filter cannot be recognized: $Filter" }
    foreach ($term in [regex]::Matches($inner, '\((\w+)=([^()]+)\)')) {
        $name, $wanted = $term.Groups[1].Value, $term.Groups[2].Value
        $value = if ($name -eq 'cn') { ($DistinguishedName -split ',')[0] -replace '^CN=', '' } else { $Values[$name] }
        if ($wanted -notin @($value)) { return $false }
    }
    $true
}

function Get-ADForest {
    [CmdletBinding()]
    param([string] $Server)
    $state = Read-Directory
    $null = Find-Controller $state $Server
    [pscustomobject]@{
        Name         = $state.domain
        RootDomain   = $state.domain
        Domains      = @($state.domain)
        SchemaMaster = $state.schemaMaster
    }
}

function Get-ADRootDSE {
    [CmdletBinding()]
    param([string] $Server)
    $state = Read-Directory
    [pscustomobject]@{
        dnsHostName                = Find-Controller $state $Server
        defaultNamingContext       = $state.root
        configurationNamingContext = "CN=Configuration,$($state.root)"
        schemaNamingContext        = "CN=Schema,CN=Configuration,$($state.root)"
    }
}

function Get-ADDomainController {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [ValidateSet('*')]
        [string] $Filter,

        [string] $Server
    )
    $null = $Filter
    $state = Read-Directory
    $null = Find-Controller $state $Server
    foreach ($name in @($state.controllers.Keys | Sort-Object)) {
        $controller = $state.controllers[$name]
        [pscustomobject]@{
            HostName        = $name
            Name            = ($name -split '\.')[0].ToUpperInvariant()
            Domain          = $controller.domain
            Site            = $controller.site
            IsReadOnly      = $controller.readOnly
            IsGlobalCatalog = $controller.globalCatalog
        }
    }
}

function Get-ADObject {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, ParameterSetName = 'Identity')]
        [string] $Identity,

        [Parameter(Mandatory, ParameterSetName = 'Filter')]
        [string] $LDAPFilter,

        [Parameter(ParameterSetName = 'Filter')]
        [string] $SearchBase,

        [string[]] $Properties = @(),

        [string] $Server
    )
    $state = Read-Directory
    $objects = $state.copies[(Find-Controller $state $Server)]
    $base = if ($PSBoundParameters.ContainsKey('SearchBase')) { $SearchBase } else { $state.root }
    $wanted = if ($PSBoundParameters.ContainsKey('Identity')) { $Identity } else { $base }
    $known = @($objects.Keys | Where-Object { $_ -eq $wanted })
    if ($known.Count -eq 0 -and $PSBoundParameters.ContainsKey('Identity')) {
        throw "Cannot find an object with identity: '$Identity' under: '$($state.root)'."
    }
    if ($known.Count -eq 0) { throw 'Directory object not found' }
    if ($PSBoundParameters.ContainsKey('Identity')) {
        return New-DirectoryObject $known[0] $objects[$known[0]] $Properties
    }
    foreach ($dn in @($objects.Keys | Sort-Object)) {
        $isBelow = $dn -eq $base -or $dn.EndsWith(",$base", [System.StringComparison]::OrdinalIgnoreCase)
        if ($isBelow -and (Test-Filter $LDAPFilter $dn $objects[$dn])) {
            New-DirectoryObject $dn $objects[$dn] $Properties
        }
    }
}

function Set-ADObject {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)]
        [string] $Identity,

        [Parameter(Mandatory)]
        [hashtable] $Replace,

        [string] $Server
    )
    Add-Call 'Set-ADObject' @{ Identity = $Identity; Server = $Server; Values = @($Replace.Values) }
    Use-Lock 'directory' {
        $state = Read-Directory
        $controller = Find-Controller $state $Server
        if ($state.controllers[$controller].readOnly) { throw 'A referral was returned from the server.' }
        $dn = @($state.copies[$controller].Keys | Where-Object { $_ -eq $Identity })[0]
        if (-not $dn) { throw 'Directory object not found' }
        if (-not $PSCmdlet.ShouldProcess($dn)) { return }
        $values = @{}
        foreach ($name in $Replace.Keys) {
            # Active Directory keeps a list of values.
            $values[$name] = @($Replace[$name] | ForEach-Object { "$_" })
            $state.copies[$controller][$dn][$name] = $values[$name]
        }
        $due = [System.DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds() / 1000 + $state.replicationSeconds
        foreach ($other in @($state.controllers.Keys | Where-Object { $_ -ne $controller })) {
            $state.pending = @($state.pending) + @{
                due    = $due
                to     = $other
                dn     = $dn
                values = $values
            }
        }
        Write-Json $DirectoryFile $state
        if ($values.ContainsKey('serviceBindingInformation')) {
            $name = ($dn -split ',')[0] -replace '^CN=', ''
            Save-AutodiscoverUri $name $controller $values.serviceBindingInformation[0]
        }
    }
}

# After setup, Get-ClientAccessServer shows what the service connection point says.
function Save-AutodiscoverUri {
    [CmdletBinding()]
    param(
        [string] $Name,
        [string] $DomainController,
        [string] $Uri
    )
    if (-not (Read-Server $Name)) { return }
    Use-Lock $Name {
        $values = @{ AutoDiscoverServiceInternalUri = $Uri }
        Write-ServerObject (Read-Server $Name) (Read-Organisation) $DomainController 'autodiscover' $values
    }
}

Export-ModuleMember -Function @(
    'Get-ADForest'
    'Get-ADRootDSE'
    'Get-ADDomainController'
    'Get-ADObject'
    'Set-ADObject'
)
