# The session with Exchange on this server, and the way every one of its cmdlets is called.

# Returns Server, DomainController, Services (the table's rows by name), Skipped (service -> reason), Session, Module.
function Connect-Exchange {
    param([Parameter(Mandatory = $true)] $Document)
    Assert-ServerReady
    $exchange = [pscustomobject]@{
        Server = $env:COMPUTERNAME; DomainController = ''; Services = [ordered]@{}; Skipped = [ordered]@{}; Session = $null; Module = $null
    }
    try {
        $exchange.Session = Open-ExchangeSession -Credential $Document.Credential
        $table = Get-NamespaceServiceTable -ExchangeVersion $Document.ExchangeVersion
        $exchange.Module = Import-ExchangeCmdlet -Session $exchange.Session -Table $table
        $imported = @($exchange.Module.ExportedFunctions.Keys)
        $serverObject = Get-ThisExchangeServer -Imported $imported
        # One domain controller for reading and writing: another one may not have replicated yet what was just written.
        $exchange.DomainController = "$($serverObject.OriginatingServer)"
        $build = Get-ExchangeBuild -ServerObject $serverObject -ExpectedVersion $Document.ExchangeVersion
        Select-Service -Exchange $exchange -Table $table -Imported $imported -Build $build
    } catch {
        # Exchange allows few sessions to a user, and its setup is blocked by open ones.
        Disconnect-Exchange -Exchange $exchange
        throw
    }
    $exchange
}

function Disconnect-Exchange {
    param([AllowNull()] $Exchange)
    if ($null -eq $Exchange) { return }
    if ($Exchange.Module) { Remove-Module -ModuleInfo $Exchange.Module -ErrorAction SilentlyContinue }
    if ($Exchange.Session) { Remove-PSSession -Session $Exchange.Session -ErrorAction SilentlyContinue }
}

function Assert-ServerReady {
    if (@(Get-Process -Name 'ExSetup*' -ErrorAction SilentlyContinue).Count -gt 0) {
        Stop-NamespaceRun -ExitCode $NamespaceExitCode.SetupRunning -Message (
            "Exchange setup is running on $env:COMPUTERNAME and would be disturbed by a session; nothing was changed, run this again when it has ended.")
    }
    if (-not (Get-Service -Name 'MSExchangeServiceHost' -ErrorAction SilentlyContinue)) {
        Stop-NamespaceRun -ExitCode $NamespaceExitCode.ExchangeAbsent -Message (
            "Exchange is not installed on $env:COMPUTERNAME, nothing was changed: install it, or set configureNamespace: false in the stack until it is.")
    }
}

# The URI names this server: Kerberos has no service principal for a name shared by several servers.
function Open-ExchangeSession {
    param([AllowNull()] $Credential)
    $system = Get-CimInstance -ClassName Win32_ComputerSystem
    $uri = "http://$($system.DNSHostName).$($system.Domain)/PowerShell/"
    $parameters = @{
        ConfigurationName = 'Microsoft.Exchange'
        ConnectionUri     = $uri
        Authentication    = 'Kerberos'
        SessionOption     = New-PSSessionOption -OpenTimeout 60000 -OperationTimeout 300000 -CancelTimeout 30000
        ErrorAction       = 'Stop'
    }
    if ($null -ne $Credential) { $parameters['Credential'] = $Credential }
    try {
        New-PSSession @parameters
    } catch {
        $remedy = if ($null -eq $Credential) {
            'After an SSH logon with a key, Windows has no credential to pass on: log on with a password, or give the document a credential.'
        } else {
            'The credential of the document was used; is its password right, and may its user administer Exchange?'
        }
        Stop-NamespaceRun "No session with Exchange at ${uri}: $($_.Exception.Message)`n$remedy"
    }
}

# A name that the session does not offer is an error of Import-PSSession, and normal: what is missing is judged afterwards, by name.
function Import-ExchangeCmdlet {
    param(
        [Parameter(Mandatory = $true)] $Session,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Table
    )
    $names = @('Get-ExchangeServer') + @($Table.Values | ForEach-Object { $_.Getter; $_.Setter })
    $import = @{ Session = $Session; CommandName = $names; AllowClobber = $true; DisableNameChecking = $true }
    $module = Import-PSSession @import -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
    if (-not $module) { Stop-NamespaceRun (Get-RoleMessage -Missing $names) }
    $module
}

# Imported cmdlets are functions of a module, which does not see this script's $ErrorActionPreference, and their errors do not end anything:
# hence -ErrorAction Stop, here and nowhere else. Their warnings would go to stdout.
function Invoke-ExchangeCmdlet {
    param(
        [Parameter(Mandatory = $true)] [string] $Name,
        [Parameter(Mandatory = $true)] [hashtable] $Parameters
    )
    & $Name @Parameters -ErrorAction Stop -WarningAction Continue 3>&1 | ForEach-Object {
        if ($_ -is [System.Management.Automation.WarningRecord]) { Write-Note "${Name}: $($_.Message)" } else { $_ }
    }
}

function Get-ThisExchangeServer {
    param([Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Imported)
    if ('Get-ExchangeServer' -notin $Imported) { Stop-NamespaceRun (Get-RoleMessage -Missing 'Get-ExchangeServer') }
    $found = @(Invoke-ExchangeCmdlet 'Get-ExchangeServer' @{ Identity = $env:COMPUTERNAME })
    if ($found.Count -ne 1 -or $found[0].Name -ne $env:COMPUTERNAME -or -not "$($found[0].OriginatingServer)") {
        Stop-NamespaceRun "Get-ExchangeServer does not know $env:COMPUTERNAME as one server read from a domain controller; it returned: $(@($found | ForEach-Object { $_.Name }) -join ', ')"
    }
    $found[0]
}

function Get-RoleMessage {
    param([Parameter(Mandatory = $true)] [string[]] $Missing)
    "The session offers no $($Missing -join ', '): the user needs the role group Organization Management or Server Management."
}

# "Version 15.1 (Build 2507.6)" -> 15.1.2507.6; 2019 and Subscription Edition are both 15.2.
function Get-ExchangeBuild {
    param(
        [Parameter(Mandatory = $true)] $ServerObject,
        [Parameter(Mandatory = $true)] [string] $ExpectedVersion
    )
    $text = "$($ServerObject.AdminDisplayVersion)"
    if ($text -notmatch '(\d+\.\d+) \(Build (\d+\.\d+)\)') { Stop-NamespaceRun "Exchange reports a version that is not understood: $text" }
    $build = [version] "$($Matches[1]).$($Matches[2])"
    $names = @{ '15.0' = @('2013'); '15.1' = @('2016'); '15.2' = @('2019', 'SE') }["$($build.Major).$($build.Minor)"]
    if ($ExpectedVersion -notin $names) {
        Stop-NamespaceRun "The document says exchangeVersion $ExpectedVersion, but $env:COMPUTERNAME runs Exchange $($names -join ' or ') ($text); set exchangeVersion in the stack."
    }
    $build
}

# Only a build that never had the cmdlets is a reason to skip a service; a cmdlet missing otherwise is a missing right.
function Select-Service {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Table,
        [Parameter(Mandatory = $true)] [string[]] $Imported,
        [Parameter(Mandatory = $true)] [version] $Build
    )
    $missing = @()
    foreach ($name in $Table.Keys) {
        $service = $Table[$name]
        if ($Build -lt $service.FirstBuild) {
            $Exchange.Skipped[$name] = "$($service.Setter) exists from build $($service.FirstBuild) on; this server has $Build"
        } else {
            $Exchange.Services[$name] = $service
            $missing += @($service.Getter, $service.Setter | Where-Object { $_ -notin $Imported })
        }
    }
    if ($missing.Count -gt 0) { Stop-NamespaceRun (Get-RoleMessage -Missing $missing) }
}
