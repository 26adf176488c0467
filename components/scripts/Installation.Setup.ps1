# The phase setup: Exchange is installed with the roles of the document.

$ExchangeKey = 'HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15'
# The roles as the registry names them.
$RegistryRoles = @(
    'CafeRole'
    'ClientAccessRole'
    'FrontendTransportRole'
    'HubTransportRole'
    'MailboxRole'
    'UnifiedMessagingRole'
)
# Role of the document -> the role in the registry that proves it.
$ProvingRoles = @{ ClientAccess = 'CafeRole'; Mailbox = 'MailboxRole' }
$ProductVersions = @{
    '2013' = '15.0'
    '2016' = '15.1'
    '2019' = '15.2'
    'SE'   = '15.2'
}

# Whether Exchange is installed completely, by this machine's registry alone: every role has both versions and neither
# Action nor Watermark. Install-ExchangeServer.ps1 calls it, too.
function Test-SetupPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if ($null -eq (Get-RegistryValue "$ExchangeKey\Setup" 'MsiInstallPath')) { return $false }
    if (@(Get-InterruptedRole).Count -gt 0) { return $false }
    $needed = @($Installation.Roles | ForEach-Object { $ProvingRoles["$_"] })
    foreach ($role in $RegistryRoles) {
        $unpacked = Get-RegistryValue "$ExchangeKey\$role" 'UnpackedVersion'
        $configured = Get-RegistryValue "$ExchangeKey\$role" 'ConfiguredVersion'
        $isThere = $null -ne $unpacked -or $null -ne $configured
        if (-not $isThere -and $role -notin $needed) { continue }
        if ($null -eq $unpacked -or $null -eq $configured) { return $false }
    }
    "$(Get-InstalledVersion)" -eq $ProductVersions[$Installation.ExchangeVersion]
}

# Whether Exchange setup runs on this machine.
function Test-SetupRunning { @(Get-Process -Name 'ExSetup*' -ErrorAction SilentlyContinue).Count -gt 0 }

# Runs setup and waits for its end, or waits for the one that runs.
function Start-SetupPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if (Test-SetupRunning) {
        Wait-RunningSetup -Installation $Installation
        return
    }
    Assert-DirectoryAllowed -Installation $Installation
    Assert-InstallationRight -Installation $Installation
    $controller = Find-SetupController -Installation $Installation
    $run = [ordered]@{ domainController = $controller; restarted = $false }
    Write-InstallationFile -Folder $Installation.Folder -Name $SetupRunFile -Content $run
    Invoke-Setup -Installation $Installation -Argument (Get-InstallArgument -Installation $Installation $controller)
}

# Returns 15.0, 15.1, 15.2 or nothing.
function Get-InstalledVersion {
    $major = Get-RegistryValue "$ExchangeKey\Setup" 'MsiProductMajor'
    $minor = Get-RegistryValue "$ExchangeKey\Setup" 'MsiProductMinor'
    if ($null -ne $major -and $null -ne $minor) { "$major.$minor" }
}

function Get-InterruptedRole {
    $RegistryRoles | Where-Object {
        $null -ne (Get-RegistryValue "$ExchangeKey\$_" 'Watermark') -or
        $null -ne (Get-RegistryValue "$ExchangeKey\$_" 'Action')
    }
}

# Unattended setup refuses to go on from a Watermark (its rule InstallWatermark). Microsoft's way is the wizard; who
# deletes the value has setup install over half an installation.
function Assert-NoInterruptedSetup {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $roles = @(Get-InterruptedRole)
    if ($roles.Count -eq 0) { return }
    $failure = Get-SetupFailure -Line (Read-SetupLog).Line
    $why = if ($failure.Cause) { " Its log: $($failure.Cause)" } else { ' Its log names no error: it was interrupted.' }
    $cause = "An earlier setup stopped while it installed $($roles -join ', '): the registry has a Watermark or an " +
    "Action (rule InstallWatermark).$why"
    $remedy = ("$($failure.Remedy) " +
        'Setup cannot resume unattended, and nothing was deleted. Either log on to this server and run Setup.exe of ' +
        'the media without arguments, which resumes; or rebuild its virtual machine under the same name and run ' +
        'Setup.exe /Mode:RecoverServer there. Then run this again.').Trim()
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

function Assert-InstalledVersion {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $installed = Get-InstalledVersion
    if (-not $installed) { return }
    $cause = "Exchange $installed is on this machine already, without all roles of the stack file " +
    "($($Installation.Roles -join ', ')) or of another version than $($Installation.ExchangeVersion)"
    $remedy = 'Set exchangeVersion and roles to what is installed, or add the role there with Setup.exe.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

# Returns a writable global catalog in the domain and site of this server that answers: the schema master if it is one.
function Find-SetupController {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $forest = Read-Forest -Installation $Installation
    $site = Get-ComputerSite -Installation $Installation
    $near = @($forest.Controllers | Where-Object {
            $_.Site -eq $site -and $_.Domain -eq $forest.Domain -and $_.IsGlobalCatalog -and -not $_.IsReadOnly
        } | Sort-Object { $_.Name -ne $forest.SchemaMaster }, Name)
    foreach ($controller in $near) {
        try {
            $null = Get-ADRootDSE -Server $controller.Name
            return $controller.Name
        } catch {
            $text = "$($controller.Name) does not answer: $($_.Exception.Message)"
            Add-InstallationProgress -Installation $Installation -Text $text
        }
    }
    $cause = "No writable global catalog of $($forest.Domain) answers in the site $site of this server"
    $remedy = 'Setup needs one in its own site: start one there, or assign the subnet of this server to a site that ' +
    'has one. Then run this again.'
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}
