# What Active Directory must allow before Exchange is installed: rights, the schema master's site, the other servers.

# Returns Name and Sid of each group in the token of this task.
function Get-AccountGroup {
    $lines = @(& whoami.exe /groups /fo csv /nh)
    ConvertFrom-Csv -InputObject $lines -Header 'Name', 'Kind', 'Sid', 'Attributes'
}

function Test-AccountGroup {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name
    )
    $end = $PreparingGroups[$Name]
    $found = @(Get-AccountGroup | Where-Object {
            if ($end) { $_.Sid -match "^S-1-5-21-.*$end\z" } else { $_.Name -match "\\$Name\z" }
        })
    $found.Count -gt 0
}

function Assert-RoleKnown {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if ($Installation.ExchangeVersion -eq '2013' -or 'ClientAccess' -notin $Installation.Roles) { return }
    $cause = "Exchange $($Installation.ExchangeVersion) has no role ClientAccess: its role Mailbox contains it"
    Stop-Installation $Installation -Cause $cause -Remedy 'Give roles: [Mailbox] in the stack file, or leave it out.'
}

function Assert-InstallationRight {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if ((Test-AccountGroup $ExchangeAdministrators) -or (Test-AccountGroup 'Enterprise Admins')) { return }
    $cause = "The account is neither a member of $ExchangeAdministrators nor of Enterprise Admins"
    $remedy = "Add the operator to the role group $ExchangeAdministrators, then run this again."
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

function Get-ComputerSite {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $lines = @(& nltest.exe /dsgetsite)
    if ($LASTEXITCODE -eq 0) { return "$($lines[0])".Trim() }
    $remedy = 'Assign the subnet of this server to a site in Active Directory Sites and Services, then run this again.'
    Stop-Installation $Installation -Cause "This server belongs to no site: $($lines -join ' ')" -Remedy $remedy
}

# Returns the objects of Exchange servers with Name and serialNumber, as the schema master has them.
function Get-ServerObject {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Forest
    )
    $find = @{
        Server     = $Forest.SchemaMaster
        SearchBase = "CN=Services,$($Forest.Configuration)"
        LDAPFilter = '(objectClass=msExchExchangeServer)'
        Properties = 'serialNumber'
    }
    Get-ADObject @find
}

function Assert-NoOtherServerObject {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Forest
    )
    if ($null -ne (Get-RegistryValue "$ExchangeKey\Setup" 'MsiInstallPath')) { return }
    $own = @(Get-ServerObject -Forest $Forest | Where-Object { $_.Name -eq $env:COMPUTERNAME })
    if ($own.Count -eq 0) { return }
    $cause = "Active Directory has an Exchange server $env:COMPUTERNAME, but Exchange is not installed on this machine"
    $remedy = 'If this machine replaces it, run Setup.exe /Mode:RecoverServer of this media here; if that server ' +
    'still exists, give this one another computerName. Do not delete the object. Then run this again.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

# Exchange 2019 from CU15 on (the phase media refuses older ones) and Subscription Edition refuse an organisation that
# has a server of Exchange 2013.
function Assert-CoexistenceAllowed {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Forest
    )
    if ($Installation.ExchangeVersion -notin '2019', 'SE') { return }
    $old = @(Get-ServerObject -Forest $Forest | Where-Object { "$($_.serialNumber)" -like 'Version 15.0 *' })
    if ($old.Count -eq 0) { return }
    $names = @($old | ForEach-Object { $_.Name }) -join ', '
    $cause = "The organisation has Exchange 2013 on $names, which setup of $($Installation.Release.name) refuses"
    $remedy = 'Uninstall Exchange 2013 there first, then run this again.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}
