# The phase directory: schema, organisation and domain of Active Directory have at least the versions of this release,
# on every domain controller. Needs the module ActiveDirectory, which the phase features installs.

# How long a task waits for replication, and how often it looks.
$DirectoryWaitSeconds = 1200
$DirectoryPollSeconds = 20

# Group -> how its SID ends. The names of these groups differ between the languages of Windows.
$PreparingGroups = [ordered]@{ 'Schema Admins' = '-518'; 'Enterprise Admins' = '-519' }
$ExchangeAdministrators = 'Organization Management'

# Called in the task before the first change on this server, and again before setup. Stops the installation if it
# cannot succeed: a role that this version does not have, an interrupted setup, a missing right, another server object
# of this name, an organisation that this release refuses. Looks at Active Directory only if the module ActiveDirectory
# is there.
function Assert-DirectoryAllowed {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    Assert-RoleKnown -Installation $Installation
    Assert-NoInterruptedSetup -Installation $Installation
    Assert-InstalledVersion -Installation $Installation
    if (-not (Import-DirectoryModule)) { return }
    $forest = Read-Forest -Installation $Installation
    Assert-NoOtherServerObject -Installation $Installation -Forest $forest
    Assert-CoexistenceAllowed -Installation $Installation -Forest $forest
    $master = Read-DirectoryVersion -Forest $forest -Controller $forest.SchemaMaster
    if ($null -ne $master.Organisation) { Assert-InstallationRight -Installation $Installation }
}

# Whether schema, domain and organisation have the versions of $Installation.Release on every domain controller.
function Test-DirectoryPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if (-not (Import-DirectoryModule)) { return $false }
    $forest = Read-Forest -Installation $Installation
    @(Get-DirectoryLag -Installation $Installation -Forest $forest).Count -eq 0
}

# Prepares Active Directory if $Installation.PrepareActiveDirectory, then waits until every domain controller has it.
# Ends the task as waiting in each case: the next one has a new logon, with the rights that /PrepareAD gave.
function Start-DirectoryPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if (-not (Import-DirectoryModule)) {
        $remedy = 'Its feature RSAT-AD-PowerShell is installed by the phase features: run this again.'
        Stop-Installation $Installation -Cause 'PowerShell has no module ActiveDirectory' -Remedy $remedy
    }
    $forest = Read-Forest -Installation $Installation
    if ($Installation.PrepareActiveDirectory) {
        Invoke-DirectoryPreparation -Installation $Installation -Forest $forest
    }
    Wait-Directory -Installation $Installation -Forest $forest
    $text = 'Active Directory is prepared on every domain controller. The installation goes on with a new logon, ' +
    'which has the rights that the preparation gave.'
    Exit-Installation -State 'waiting' -Text $text
}

function Import-DirectoryModule {
    try {
        Import-Module -Name ActiveDirectory -ErrorAction Stop -WarningAction SilentlyContinue
        $true
    } catch {
        $false
    }
}

# Returns Configuration (a distinguished name), SchemaMaster, Domain (of this server), and Controllers: Name, Domain,
# Site, IsReadOnly and IsGlobalCatalog of every domain controller of the forest.
function Read-Forest {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $remedy = 'Let this server reach a domain controller of its domain (DNS, TCP 9389 of the Active Directory Web ' +
    'Services), then run this again.'
    Invoke-Step -Subject $Installation.Phase -Remedy $remedy -Step {
        $domain = "$((Get-CimInstance -ClassName Win32_ComputerSystem).Domain)"
        $forest = Get-ADForest -Server $domain
        $controllers = foreach ($name in @($forest.Domains)) {
            foreach ($one in @(Get-ADDomainController -Filter '*' -Server "$name")) {
                [pscustomobject]@{
                    Name            = "$($one.HostName)"
                    Domain          = "$name"
                    Site            = "$($one.Site)"
                    IsReadOnly      = [bool] $one.IsReadOnly
                    IsGlobalCatalog = [bool] $one.IsGlobalCatalog
                }
            }
        }
        [pscustomobject]@{
            Configuration = "$((Get-ADRootDSE -Server $domain).configurationNamingContext)"
            SchemaMaster  = "$($forest.SchemaMaster)"
            Domain        = $domain
            Controllers   = @($controllers)
        }
    }
}

# Returns Schema, Domain and Organisation (each a number, or $null for what is not there) as this domain controller has
# them. The domain counts on the controllers of this server's domain.
function Read-DirectoryVersion {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Forest,

        [Parameter(Mandatory)]
        [string] $Controller
    )
    $root = Get-ADRootDSE -Server $Controller
    $pick = @{ Server = $Controller; Properties = 'rangeUpper', 'objectVersion' }
    $schema = Get-ADObject -SearchBase "$($root.schemaNamingContext)" -LDAPFilter '(cn=ms-Exch-Schema-Version-Pt)' @pick
    $filter = '(objectClass=msExchOrganizationContainer)'
    $organisation = Get-ADObject -SearchBase "CN=Services,$($Forest.Configuration)" -LDAPFilter $filter @pick
    $system = Get-ADObject -SearchBase "$($root.defaultNamingContext)" @pick -LDAPFilter (
        '(&(objectClass=msExchSystemObjectsContainer)(cn=Microsoft Exchange System Objects))'
    )
    [pscustomobject]@{
        Schema       = ConvertTo-DirectoryNumber -Found $schema -Name 'rangeUpper'
        Domain       = ConvertTo-DirectoryNumber -Found $system -Name 'objectVersion'
        Organisation = ConvertTo-DirectoryNumber -Found $organisation -Name 'objectVersion'
    }
}

function ConvertTo-DirectoryNumber {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Found,

        [Parameter(Mandatory)]
        [string] $Name
    )
    foreach ($one in @($Found | Where-Object { $null -ne $_ -and $_.PSObject.Properties[$Name] })) {
        if ("$($one.$Name)") { return [int] "$($one.$Name)" }
    }
}

# Returns "dc2.corp.example: schema 15312 instead of 15334" for each version that a domain controller does not have.
function Get-DirectoryLag {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Forest
    )
    $needed = $Installation.Release
    foreach ($controller in $Forest.Controllers) {
        try {
            $version = Read-DirectoryVersion -Forest $Forest -Controller $controller.Name
        } catch {
            "$($controller.Name): $($_.Exception.Message)"
            continue
        }
        $counted = @('Schema', 'Organisation') + @(if ($controller.Domain -eq $Forest.Domain) { 'Domain' })
        foreach ($name in $counted) {
            if ($version.$name -ge $needed.$name) { continue }
            $has = if ($null -eq $version.$name) { 'none' } else { $version.$name }
            "$($controller.Name): $($name.ToLowerInvariant()) $has instead of $($needed.$name)"
        }
    }
}

function Wait-Directory {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Forest
    )
    $until = (Get-Date).AddSeconds($DirectoryWaitSeconds)
    $shown = ''
    while ($true) {
        $lag = @(Get-DirectoryLag -Installation $Installation -Forest $Forest)
        if ($lag.Count -eq 0) { return }
        $text = "waits for $($lag -join '; ')"
        if ($text -ne $shown) { Add-InstallationProgress -Installation $Installation -Text $text }
        $shown = $text
        if ((Get-Date) -ge $until) { break }
        Start-Sleep -Seconds $DirectoryPollSeconds
    }
    if ($Installation.PrepareActiveDirectory) {
        $remedy = 'Replicate (repadmin /syncall /AdeP), start that domain controller or remove it from Active ' +
        'Directory, then run this again.'
        Stop-Installation $Installation -Cause "Active Directory is not replicated: $($lag -join '; ')" -Remedy $remedy
    }
    $text = "Active Directory is not prepared: $($lag -join '; '). Another server of this stack prepares it if " +
    'prepareActiveDirectory is true; else run Setup.exe /PrepareAD (and /PrepareAllDomains if the forest has several ' +
    "domains) of this media in the domain and site of the schema master $($Forest.SchemaMaster)"
    Exit-Installation -State 'waiting' -Text $text
}
