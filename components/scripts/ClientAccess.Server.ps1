# Finds out what this server is: whether it is ready for a session, its name, its version of Exchange, and the services
# that this version has.

function Assert-ServerReady {
    if (@(Get-Process -Name 'ExSetup*' -ErrorAction SilentlyContinue).Count -gt 0) {
        Stop-Run -ExitCode $RunExitCode.SetupRunning -Message (
            "Exchange setup is running on $env:COMPUTERNAME, and an open session can make it fail: " +
            'nothing was changed. Run this again when setup has ended.'
        )
    }
    if (-not (Get-Service -Name 'MSExchangeServiceHost' -ErrorAction SilentlyContinue)) {
        Stop-Run -ExitCode $RunExitCode.ExchangeAbsent -Message (
            "Exchange is not installed on ${env:COMPUTERNAME}: nothing was changed. Install it, " +
            'or set configureNamespace: false in the stack file until it is installed.'
        )
    }
}

function Get-ServerFqdn {
    $remedy = 'WMI must return the name of this server: repair WMI there, then run this again.'
    $system = Invoke-Step -Subject 'Win32_ComputerSystem' -Remedy $remedy -Step {
        Get-CimInstance -ClassName Win32_ComputerSystem
    }
    "$($system.DNSHostName).$($system.Domain)"
}

function Get-ThisExchangeServer {
    $remedy = 'Fix the cause until Get-ExchangeServer shows this server in the Exchange Management Shell there, ' +
    'then run this again.'
    $servers = @(Invoke-Step -Subject 'Get-ExchangeServer' -Remedy $remedy -Step {
            Invoke-ExchangeCmdlet 'Get-ExchangeServer' @{ Identity = $env:COMPUTERNAME }
        })
    $isThisServer = $servers.Count -eq 1 -and $servers[0].Name -eq $env:COMPUTERNAME
    if (-not $isThisServer -or -not "$($servers[0].OriginatingServer)") {
        $names = @($servers | ForEach-Object { $_.Name }) -join ', '
        Stop-Run (
            "Get-ExchangeServer did not return exactly $env:COMPUTERNAME, read from a domain controller; " +
            "it returned $($servers.Count): $names`n$remedy"
        )
    }
    $servers[0]
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
            Cause   = "AdminDisplayVersion has an unknown form: $text"
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
            "$($names -join ' or ') ($text); set exchangeVersion in the stack file."
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
