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
            'or write a credential into the document.'
        } else {
            'The session used the credential of the document: check its password, and the role group of its user.'
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
