# Opens and closes the session with Exchange on this server, and calls its cmdlets.

# Returns Server, DomainController, Build, Imported (the names of the cmdlets that the session offers), Session, Module,
# and the empty tables Services and Skipped, which Select-Service fills.
function Connect-Exchange {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [string[]] $Cmdlet
    )
    Assert-ServerReady
    $exchange = [pscustomobject]@{
        Server           = $env:COMPUTERNAME
        DomainController = ''
        Build            = $null
        Imported         = @()
        Session          = $null
        Module           = $null
        Services         = [ordered]@{}
        Skipped          = [ordered]@{}
    }
    try {
        $exchange.Session = Open-ExchangeSession -Credential $Document.Credential
        $exchange.Module = Import-ExchangeCmdlet -Session $exchange.Session -Name (@('Get-ExchangeServer') + $Cmdlet)
        $exchange.Imported = @($exchange.Module.ExportedFunctions.Keys)
        Assert-Imported -Exchange $exchange -Name 'Get-ExchangeServer'
        $serverObject = Get-ThisExchangeServer
        # Read and write through one domain controller: another one may not have replicated a write yet.
        $exchange.DomainController = "$($serverObject.OriginatingServer)"
        $exchange.Build = Get-ExchangeBuild -ServerObject $serverObject -ExpectedVersion $Document.ExchangeVersion
    } catch {
        # Exchange allows a user few sessions, and open sessions block its setup.
        Disconnect-Exchange -Exchange $exchange
        throw
    }
    $exchange
}

function Disconnect-Exchange {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Exchange
    )
    if ($null -eq $Exchange) { return }
    if ($Exchange.Module) { Remove-Module -ModuleInfo $Exchange.Module -ErrorAction SilentlyContinue }
    if ($Exchange.Session) { Remove-PSSession -Session $Exchange.Session -ErrorAction SilentlyContinue }
}

function Assert-ServerReady {
    if (@(Get-Process -Name 'ExSetup*' -ErrorAction SilentlyContinue).Count -gt 0) {
        Stop-Run -ExitCode $RunExitCode.SetupRunning -Message (
            "Exchange setup is running on $env:COMPUTERNAME and would be disturbed by a session; " +
            'nothing was changed, run this again when it has ended.'
        )
    }
    if (-not (Get-Service -Name 'MSExchangeServiceHost' -ErrorAction SilentlyContinue)) {
        Stop-Run -ExitCode $RunExitCode.ExchangeAbsent -Message (
            "Exchange is not installed on $env:COMPUTERNAME, nothing was changed: install it, " +
            'or set configureNamespace: false in the stack until it is.'
        )
    }
}

function Get-ServerFqdn {
    $remedy = 'Windows must be able to tell its own name: repair WMI there, then run this again.'
    $system = Invoke-Step -Subject 'Win32_ComputerSystem' -Remedy $remedy -Step {
        Get-CimInstance -ClassName Win32_ComputerSystem
    }
    "$($system.DNSHostName).$($system.Domain)"
}

# The URI must name this server, because Kerberos has no service principal for a name that several servers share.
function Open-ExchangeSession {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Credential
    )
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
            'After an SSH logon with a key, Windows has no credential to pass on: log on with a password, ' +
            'or give the document a credential.'
        } else {
            'The credential of the document was used; is its password right, and may its user administer Exchange?'
        }
        Stop-Run "No session with Exchange at ${uri}: $($_.Exception.Message)`n$remedy"
    }
}

# Ignores the error of Import-PSSession about names that the session does not offer. Assert-Imported checks them by
# name.
function Import-ExchangeCmdlet {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Session,

        [Parameter(Mandatory)]
        [string[]] $Name
    )
    $import = @{
        Session             = $Session
        CommandName         = $Name
        AllowClobber        = $true
        DisableNameChecking = $true
    }
    try {
        $module = Import-PSSession @import -ErrorAction SilentlyContinue -WarningAction SilentlyContinue
    } catch {
        # SilentlyContinue does not silence the error if the session offers none of the names.
        Stop-Run "$(Get-RoleMessage -Missing $Name) $($_.Exception.Message)"
    }
    if (-not $module) { Stop-Run (Get-RoleMessage -Missing $Name) }
    $module
}

# Calls an Exchange cmdlet. Imported cmdlets are functions of a module, which ignores this script's
# $ErrorActionPreference, so their errors end nothing without -ErrorAction Stop. Their warnings would go to stdout. The
# caller adds the service and the remedy to an error.
function Invoke-ExchangeCmdlet {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [hashtable] $Parameters
    )
    & $Name @Parameters -ErrorAction Stop -WarningAction Continue 3>&1 | ForEach-Object {
        if ($_ -is [System.Management.Automation.WarningRecord]) {
            Write-Note "${Name}: $($_.Message)"
        } else {
            $_
        }
    }
}

function Get-ThisExchangeServer {
    $remedy = 'Fix it until Get-ExchangeServer shows this server in the Exchange Management Shell there, ' +
    'then run this again.'
    $found = @(Invoke-Step -Subject 'Get-ExchangeServer' -Remedy $remedy -Step {
            Invoke-ExchangeCmdlet 'Get-ExchangeServer' @{ Identity = $env:COMPUTERNAME }
        })
    $isThisServer = $found.Count -eq 1 -and $found[0].Name -eq $env:COMPUTERNAME
    if (-not $isThisServer -or -not "$($found[0].OriginatingServer)") {
        $names = @($found | ForEach-Object { $_.Name }) -join ', '
        Stop-Run (
            "Get-ExchangeServer does not know $env:COMPUTERNAME as one server read from a domain controller; " +
            "it returned $($found.Count): $names`n$remedy"
        )
    }
    $found[0]
}

function Assert-Imported {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [string[]] $Name
    )
    $missing = @($Name | Where-Object { $_ -notin $Exchange.Imported })
    if ($missing.Count -gt 0) { Stop-Run (Get-RoleMessage -Missing $missing) }
}

function Get-RoleMessage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string[]] $Missing
    )
    "The session with $env:COMPUTERNAME offers no $($Missing -join ', '): " +
    'the user needs the role group Organization Management or Server Management.'
}

# Returns 15.1.2507.6 for "Version 15.1 (Build 2507.6)". Exchange 2019 and Subscription Edition are both 15.2.
function Get-ExchangeBuild {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $ServerObject,

        [Parameter(Mandatory)]
        [string] $ExpectedVersion
    )
    $text = "$($ServerObject.AdminDisplayVersion)"
    if ($text -notmatch '(\d+\.\d+) \(Build (\d+\.\d+)\)') {
        $failure = @{
            Subject = 'Get-ExchangeServer'
            Cause   = "AdminDisplayVersion is not understood: $text"
            Remedy  = 'Nothing was changed: this needs Exchange 2013, 2016, 2019 or SE.'
        }
        Stop-Run (Get-FailureText @failure)
    }
    $build = [version] "$($Matches[1]).$($Matches[2])"
    $versions = @{
        '15.0' = @('2013')
        '15.1' = @('2016')
        '15.2' = @('2019', 'SE')
    }
    $names = $versions["$($build.Major).$($build.Minor)"]
    if ($null -eq $names) { $names = @('of another version') }
    if ($ExpectedVersion -notin $names) {
        Stop-Run (
            "The document says exchangeVersion $ExpectedVersion, but $env:COMPUTERNAME runs Exchange " +
            "$($names -join ' or ') ($text); set exchangeVersion in the stack."
        )
    }
    $build
}

# Fills Services and Skipped. Skips a service only if this build of Exchange does not have its cmdlets. A cmdlet that is
# missing for another reason is a missing right, and stops the run if the document names the service or names none.
function Select-Service {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Table,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Named
    )
    foreach ($name in $Table.Keys) {
        $reason = Get-SkipReason -Exchange $Exchange -Service $Table[$name]
        if ($reason) { $Exchange.Skipped[$name] = $reason } else { $Exchange.Services[$name] = $Table[$name] }
    }
    $needed = @($Exchange.Services.Keys | Where-Object { $Named.Count -eq 0 -or $_ -in $Named })
    $cmdlets = @($needed | ForEach-Object { $Exchange.Services[$_].Getter, $Exchange.Services[$_].Setter })
    if ($cmdlets.Count -gt 0) { Assert-Imported -Exchange $Exchange -Name $cmdlets }
}

function Get-SkipReason {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Service
    )
    if ($Exchange.Build -lt $Service.FirstBuild) {
        "$($Service.Setter) exists from build $($Service.FirstBuild) on; this server has $($Exchange.Build)"
    }
}
