# The session with Exchange on this server, and the way every one of its cmdlets is called.

# Returns Server, DomainController, Build, Imported (which of the cmdlets there are), Session, Module; for Select-Service, Services and Skipped.
function Connect-Exchange {
    param(
        [Parameter(Mandatory = $true)] $Document,
        [Parameter(Mandatory = $true)] [string[]] $Cmdlet
    )
    Assert-ServerReady
    $exchange = [pscustomobject]@{
        Server = $env:COMPUTERNAME; DomainController = ''; Build = $null; Imported = @(); Session = $null; Module = $null
        Services = [ordered]@{}; Skipped = [ordered]@{}
    }
    try {
        $exchange.Session = Open-ExchangeSession -Credential $Document.Credential
        $exchange.Module = Import-ExchangeCmdlet -Session $exchange.Session -Name (@('Get-ExchangeServer') + $Cmdlet)
        $exchange.Imported = @($exchange.Module.ExportedFunctions.Keys)
        Assert-Imported -Exchange $exchange -Name 'Get-ExchangeServer'
        $serverObject = Get-ThisExchangeServer
        # One domain controller for reading and writing: another one may not have replicated yet what was just written.
        $exchange.DomainController = "$($serverObject.OriginatingServer)"
        $exchange.Build = Get-ExchangeBuild -ServerObject $serverObject -ExpectedVersion $Document.ExchangeVersion
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
        Stop-Run -ExitCode $RunExitCode.SetupRunning -Message (
            "Exchange setup is running on $env:COMPUTERNAME and would be disturbed by a session; nothing was changed, run this again when it has ended.")
    }
    if (-not (Get-Service -Name 'MSExchangeServiceHost' -ErrorAction SilentlyContinue)) {
        Stop-Run -ExitCode $RunExitCode.ExchangeAbsent -Message (
            "Exchange is not installed on $env:COMPUTERNAME, nothing was changed: install it, or set configureNamespace: false in the stack until it is.")
    }
}

function Get-ServerFqdn {
    $system = Invoke-Step -Subject 'Win32_ComputerSystem' -Remedy 'Windows must be able to tell its own name: mend WMI there, then run this again.' -Step {
        Get-CimInstance -ClassName Win32_ComputerSystem
    }
    "$($system.DNSHostName).$($system.Domain)"
}

# The URI names this server: Kerberos has no service principal for a name shared by several servers.
function Open-ExchangeSession {
    param([AllowNull()] $Credential)
    $uri = "http://$(Get-ServerFqdn)/PowerShell/"
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
        Stop-Run "No session with Exchange at ${uri}: $($_.Exception.Message)`n$remedy"
    }
}

# A name that the session does not offer is an error of Import-PSSession, and normal: what is missing is judged afterwards, by name.
function Import-ExchangeCmdlet {
    param(
        [Parameter(Mandatory = $true)] $Session,
        [Parameter(Mandatory = $true)] [string[]] $Name
    )
    $import = @{ Session = $Session; CommandName = $Name; AllowClobber = $true; DisableNameChecking = $true }
    try { $module = Import-PSSession @import -ErrorAction SilentlyContinue -WarningAction SilentlyContinue } catch {
        # Where none of them is offered, this is no error that could be silenced.
        Stop-Run "$(Get-RoleMessage -Missing $Name) $($_.Exception.Message)"
    }
    if (-not $module) { Stop-Run (Get-RoleMessage -Missing $Name) }
    $module
}

# Imported cmdlets are functions of a module, which does not see this script's $ErrorActionPreference, and their errors do not end anything:
# hence -ErrorAction Stop, here and nowhere else. Their warnings would go to stdout. Who calls this says of which service and what to do.
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
    $remedy = 'Mend it until Get-ExchangeServer shows this server in the Exchange Management Shell there, then run this again.'
    $found = @(Invoke-Step -Subject 'Get-ExchangeServer' -Remedy $remedy -Step { Invoke-ExchangeCmdlet 'Get-ExchangeServer' @{ Identity = $env:COMPUTERNAME } })
    if ($found.Count -ne 1 -or $found[0].Name -ne $env:COMPUTERNAME -or -not "$($found[0].OriginatingServer)") {
        $names = @($found | ForEach-Object { $_.Name }) -join ', '
        Stop-Run "Get-ExchangeServer does not know $env:COMPUTERNAME as one server read from a domain controller; it returned $($found.Count): $names`n$remedy"
    }
    $found[0]
}

function Assert-Imported {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [string[]] $Name
    )
    $missing = @($Name | Where-Object { $_ -notin $Exchange.Imported })
    if ($missing.Count -gt 0) { Stop-Run (Get-RoleMessage -Missing $missing) }
}

function Get-RoleMessage {
    param([Parameter(Mandatory = $true)] [string[]] $Missing)
    "The session with $env:COMPUTERNAME offers no $($Missing -join ', '): the user needs the role group Organization Management or Server Management."
}

# "Version 15.1 (Build 2507.6)" -> 15.1.2507.6; 2019 and Subscription Edition are both 15.2.
function Get-ExchangeBuild {
    param(
        [Parameter(Mandatory = $true)] $ServerObject,
        [Parameter(Mandatory = $true)] [string] $ExpectedVersion
    )
    $text = "$($ServerObject.AdminDisplayVersion)"
    if ($text -notmatch '(\d+\.\d+) \(Build (\d+\.\d+)\)') {
        Stop-Run (Get-FailureText -Subject 'Get-ExchangeServer' -Said "AdminDisplayVersion is not understood: $text" -Remedy 'Nothing was changed: this needs Exchange 2013, 2016, 2019 or SE.')
    }
    $build = [version] "$($Matches[1]).$($Matches[2])"
    $names = @{ '15.0' = @('2013'); '15.1' = @('2016'); '15.2' = @('2019', 'SE') }["$($build.Major).$($build.Minor)"]
    if ($null -eq $names) { $names = @('of another version') }
    if ($ExpectedVersion -notin $names) {
        Stop-Run "The document says exchangeVersion $ExpectedVersion, but $env:COMPUTERNAME runs Exchange $($names -join ' or ') ($text); set exchangeVersion in the stack."
    }
    $build
}

# Only a build that never had the cmdlets is a reason to skip a service; a cmdlet missing otherwise is a missing right. It matters for the
# services that the document names, and for all where it names none.
function Select-Service {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Table,
        [Parameter(Mandatory = $true)] [AllowEmptyCollection()] [string[]] $Named
    )
    foreach ($name in $Table.Keys) {
        $reason = Get-SkipReason -Exchange $Exchange -Service $Table[$name]
        if ($reason) { $Exchange.Skipped[$name] = $reason } else { $Exchange.Services[$name] = $Table[$name] }
    }
    $needed = @($Exchange.Services.Keys | Where-Object { $Named.Count -eq 0 -or $_ -in $Named } | ForEach-Object { $Exchange.Services[$_] })
    if ($needed.Count -gt 0) { Assert-Imported -Exchange $Exchange -Name @($needed | ForEach-Object { $_.Getter; $_.Setter }) }
}

function Get-SkipReason {
    param(
        [Parameter(Mandatory = $true)] $Exchange,
        [Parameter(Mandatory = $true)] $Service
    )
    if ($Exchange.Build -lt $Service.FirstBuild) { "$($Service.Setter) exists from build $($Service.FirstBuild) on; this server has $($Exchange.Build)" }
}
