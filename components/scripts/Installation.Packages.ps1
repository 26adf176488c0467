# The phase packages: what Exchange needs and Windows does not have, in the order of prerequisites.json.

# 0 and 3010 and 1641: installed, the latter two with a pending restart. -2145124329: not for this Windows.
$PackageCodes = 0, 3010, 1641, -2145124329
$PackageCauses = @{
    '-2147019796' = 'This Windows lacks an update: install KB2919442, restart, install KB2919355, then run this again.'
    '1618'        = 'Another installer runs: let it end, then run this again.'
}
$PackageSeconds = 900

function Get-NeededPackage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $table = Read-Prerequisite
    foreach ($name in (Get-MachineRow -Installation $Installation).packages) {
        $package = $table.packages.$name
        $other = Get-Key $Installation.Packages $name
        if ($null -ne $other) {
            $package.url = $other.url
            $package.sha256 = $other.sha256
        }
        $package | Add-Member -MemberType NoteProperty -Name 'isReplaced' -Value ($null -ne $other)
        $package
    }
}

function Test-Package {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Package
    )
    $value = Get-Key $Package.detect 'value'
    if ($null -eq $value) { return Test-Path -LiteralPath $Package.detect.key }
    $found = Get-RegistryValue $Package.detect.key $value
    $null -ne $found -and $found -ge $Package.detect.least
}

function Test-PackagesPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    @(Get-NeededPackage -Installation $Installation | Where-Object { -not (Test-Package $_) }).Count -eq 0
}

function Start-PackagesPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    foreach ($package in @(Get-NeededPackage -Installation $Installation)) {
        if (Test-Package $package) { continue }
        # Its installer refuses while Media Foundation or .NET wait for a restart.
        if (Get-Key $package 'afterRestart') { Assert-NoRestartPending -Before $package.name }
        Install-Package -Installation $Installation -Package $package
        # A new .NET shows in the registry at once, but works from the restart on.
        if ($package.restart) { Exit-Installation -State restart -Text "$($package.name) needs a restart." }
    }
}

function Assert-NoRestartPending {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Before
    )
    $marks = @(Get-PendingRestart)
    if ($marks.Count -gt 0) {
        Exit-Installation -State restart -Text "$Before needs a restart first: $($marks -join ', ')"
    }
}

function Install-Package {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Package
    )
    $onMedia = Get-Key $Package 'onCore'
    $isOnMedia = $null -ne $onMedia -and (Test-ServerCore) -and -not $Package.isReplaced
    $file = if ($isOnMedia) {
        Join-Path (Get-MediaRoot -Installation $Installation) $onMedia
    } else {
        $wanted = @{ Name = $Package.file; Url = $Package.url; Sha256 = $Package.sha256 }
        Save-Download -Installation $Installation @wanted
    }
    Assert-MicrosoftSignature -Installation $Installation -File $file
    Add-InstallationProgress -Installation $Installation -Text "installs $($Package.name)"
    $code = Invoke-Installer -File $file -Arguments $Package.arguments
    if ($code -notin $PackageCodes) {
        $remedy = $PackageCauses["$code"]
        if (-not $remedy) { $remedy = "Install $($Package.name) by hand to see why, then run this again." }
        $cause = "The installer of $($Package.name) ended with $code"
        Stop-Installation $Installation -Cause $cause -Remedy $remedy
    }
    Wait-Package -Installation $Installation -Package $Package
    if (-not $isOnMedia) { Remove-Item -LiteralPath $file -Force }
}

# Returns the exit code. Waits without a limit, as killing an installer leaves the machine between two states.
function Invoke-Installer {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $File,

        [Parameter(Mandatory)]
        [string] $Arguments
    )
    $start = @{ FilePath = $File; ArgumentList = $Arguments }
    if ($File -like '*.msi') { $start = @{ FilePath = 'msiexec.exe'; ArgumentList = "/i `"$File`" $Arguments" } }
    (Start-Process @start -Wait -PassThru).ExitCode
}

# Some installers return before they have ended, that of UCMA on the media among them.
function Wait-Package {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        $Package
    )
    $until = (Get-Date).AddSeconds($PackageSeconds)
    while (-not (Test-Package $Package)) {
        if ((Get-Date) -gt $until) {
            $cause = "The installer of $($Package.name) ended well, but it is not installed"
            $remedy = "Look for it in the folder for temporary files ($env:TEMP), then run this again."
            Stop-Installation $Installation -Cause $cause -Remedy $remedy
        }
        Start-Sleep -Seconds 1
    }
}
