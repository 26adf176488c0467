# Prepares Active Directory with setup of the media, on one server of the stack.

# Extends the schema and prepares the organisation on the schema master, each only if its version is lower.
function Invoke-DirectoryPreparation {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Forest
    )
    $needed = $Installation.Release
    $master = $Forest.SchemaMaster
    $version = Read-DirectoryVersion -Forest $Forest -Controller $master
    $extends = $version.Schema -lt $needed.Schema
    $prepares = $version.Organisation -lt $needed.Organisation -or $version.Domain -lt $needed.Domain
    if (-not $extends -and -not $prepares) { return }
    Assert-PreparationAllowed -Installation $Installation -Forest $Forest -ExtendsSchema $extends
    $name = $Installation.OrganisationName
    if ($null -eq $version.Organisation -and -not $name) {
        $remedy = 'Give organisationName in the stack file: it cannot be changed later.'
        Stop-Installation $Installation -Cause 'There is no Exchange organisation yet' -Remedy $remedy
    }
    if ($extends) {
        Invoke-Setup -Installation $Installation -Argument '/PrepareSchema', "/DomainController:$master"
    }
    if ($prepares) {
        $named = @(if ($null -eq $version.Organisation) { "/OrganizationName:`"$name`"" })
        Invoke-Setup -Installation $Installation -Argument (@('/PrepareAD', "/DomainController:$master") + $named)
    }
}

function Assert-PreparationAllowed {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Forest,

        [Parameter(Mandatory)]
        [bool] $ExtendsSchema
    )
    $groups = @($PreparingGroups.Keys | Where-Object { $ExtendsSchema -or $_ -ne 'Schema Admins' })
    $missing = @($groups | Where-Object { -not (Test-AccountGroup $_) })
    if ($missing.Count -gt 0) {
        $cause = "The account may not prepare Active Directory: it is not a member of $($missing -join ' and ')"
        $remedy = 'Add the operator to it for the time of the installation, or let an administrator run Setup.exe ' +
        '/PrepareAD of this media, then run this again.'
        Stop-Installation $Installation -Cause $cause -Remedy $remedy
    }
    $site = Get-ComputerSite -Installation $Installation
    $master = $Forest.Controllers | Where-Object { $_.Name -eq $Forest.SchemaMaster }
    if ($null -ne $master -and $master.Site -eq $site -and $master.Domain -eq $Forest.Domain) { return }
    $place = if ($null -eq $master) { 'unknown' } else { "the domain $($master.Domain) and the site $($master.Site)" }
    $cause = "The schema master $($Forest.SchemaMaster) is in $place, this server in $($Forest.Domain) and $site"
    $remedy = 'Run Setup.exe /PrepareAD of this media on a computer in the domain and site of the schema master, ' +
    'then run this again.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}
