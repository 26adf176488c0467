# Runs Setup.exe of the media, watches it, and judges its end.

$SetupRunFile = 'setup.json'
# The last one, which is shown once.
$ConnectionPointFailure = ''
$SetupPollMilliseconds = 5000
# Setup of these versions (2019 from CU14 on) switches extended protection on unless an argument forbids it.
$ProtectingVersions = '2019', 'SE'

# Returns the arguments of an installation without the licence.
function Get-InstallArgument {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Controller
    )
    '/Mode:Install'
    "/Roles:$($Installation.Roles -join ',')"
    "/DomainController:$Controller"
    if ($Installation.TargetDir) { "/TargetDir:`"$($Installation.TargetDir)`"" }
    if (-not $Installation.ExtendedProtection -and $Installation.ExchangeVersion -in $ProtectingVersions) {
        '/DoNotEnableEP'
    }
}

# From 2016 CU22 and 2019 CU11 on setup does not know the old switch; the phase media refuses older ones of these.
function Get-LicenceArgument {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $ExchangeVersion
    )
    $isOld = $ExchangeVersion -eq '2013'
    if ($isOld) { '/IAcceptExchangeServerLicenseTerms' } else { '/IAcceptExchangeServerLicenseTerms_DiagnosticDataOFF' }
}

# Runs setup with these arguments until its end; stops the installation if it failed.
function Invoke-Setup {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string[]] $Argument
    )
    # Without its path, Setup.exe of an installed Exchange would be found.
    $program = Join-Path (Get-MediaRoot $Installation) 'Setup.exe'
    $all = @(Get-LicenceArgument -ExchangeVersion $Installation.ExchangeVersion) + $Argument
    $before = Get-SetupLogLength
    Add-InstallationProgress -Installation $Installation -Text "Setup.exe $($all -join ' ')"
    $process = Start-Process -FilePath $program -ArgumentList $all -PassThru
    # Without an open handle, the exit code of a process that ended is not known.
    $null = $process.Handle
    $position = $before
    while (-not $process.HasExited -or (Test-SetupRunning)) {
        $position = Watch-Setup -Installation $Installation -Position $position
        Start-Sleep -Milliseconds $SetupPollMilliseconds
    }
    $process.WaitForExit()
    $null = Watch-Setup -Installation $Installation -Position $position
    $lines = (Read-SetupLog -Position $before).Line
    Assert-SetupSucceeded -Installation $Installation -ExitCode $process.ExitCode -Line $lines
}

# The exit code of a setup that another process started is not known: its log and the registry must be enough.
function Wait-RunningSetup {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    Add-InstallationProgress -Installation $Installation -Text 'Setup runs already; waits for its end'
    $position = Get-SetupLogLength
    while (Test-SetupRunning) {
        $position = Watch-Setup -Installation $Installation -Position $position
        Start-Sleep -Milliseconds $SetupPollMilliseconds
    }
    $lines = @(Select-LastSetup -Line (Read-SetupLog).Line)
    Assert-SetupSucceeded -Installation $Installation -ExitCode 0 -Line $lines
}

# Shows what setup logged since $Position, and writes the namespace to its service connection point. Returns the new
# position.
function Watch-Setup {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [long] $Position
    )
    $new = Read-SetupLog -Position $Position
    foreach ($component in @(Get-SetupComponent -Line $new.Line)) {
        Add-InstallationProgress -Installation $Installation -Text $component
    }
    if ($Installation.Phase -eq 'setup') { Set-ServiceConnectionPoint -Installation $Installation }
    $new.Position
}

# Exit code, registry and $Line, what the last setup logged, must all say so: others that trusted one of them reported
# success after failures.
function Assert-SetupSucceeded {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [int] $ExitCode,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Line
    )
    $isLogged = @($Line | Where-Object { $_ -match $SetupCompleted }).Count -gt 0
    $isInstalled = $Installation.Phase -ne 'setup' -or (Test-SetupPhase $Installation)
    if ($ExitCode -eq 0 -and $isLogged -and $isInstalled) { return }
    $failure = Get-SetupFailure -Line $Line
    $cause = $failure.Cause
    if (-not $cause) {
        $says = @(
            "setup ended with exit code $ExitCode"
            if (-not $isLogged) { 'its log has no line of success' }
            if (-not $isInstalled) { 'the registry shows no complete installation' }
        )
        $cause = $says -join ', '
    }
    $remedy = "$($failure.Remedy) Read $(Get-SetupLogFile) on this server, then run this again.".Trim()
    Stop-Installation $Installation -Cause $cause -Remedy $remedy
}

# Setup gives its new service connection point the name of the server itself, and Outlook takes the newest one: clients
# would come before the server is ready. A failure here must not end setup.
function Set-ServiceConnectionPoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if ($null -eq $Installation.ServiceUri) { return }
    try {
        $controller = Get-SetupRunController -Installation $Installation
        $found = Find-ServiceConnectionPoint -Controller $controller
        if ($null -eq $found -or "$($found.serviceBindingInformation)" -ceq $Installation.ServiceUri) { return }
        $change = @{
            Identity = "$($found.DistinguishedName)"
            Replace  = @{ serviceBindingInformation = $Installation.ServiceUri }
            Server   = $controller
            Confirm  = $false
        }
        Set-ADObject @change
        $text = "the service connection point of Autodiscover names $($Installation.ServiceUri)"
    } catch {
        $text = "the service connection point of Autodiscover was not written: $($_.Exception.Message)"
        if ($text -eq $script:ConnectionPointFailure) { return }
        $script:ConnectionPointFailure = $text
    }
    Add-InstallationProgress -Installation $Installation -Text $text
}

# Returns the object of this server with serviceBindingInformation, or nothing.
function Find-ServiceConnectionPoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Controller
    )
    $find = @{
        Server     = $Controller
        SearchBase = "CN=Services,$((Get-ADRootDSE -Server $Controller).configurationNamingContext)"
        LDAPFilter = '(&(objectClass=serviceConnectionPoint)(serviceClassName=ms-Exchange-AutoDiscover-Service)' +
        "(cn=$env:COMPUTERNAME))"
        Properties = 'serviceBindingInformation'
    }
    Get-ADObject @find | Select-Object -First 1
}

# The domain controller that setup was started with, also if another task did that.
function Get-SetupRunController {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $run = Read-InstallationFile -Folder $Installation.Folder -Name $SetupRunFile
    $kept = Get-Key $run 'domainController'
    if ($kept) { "$kept" } else { Find-SetupController -Installation $Installation }
}
