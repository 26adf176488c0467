<#
.SYNOPSIS
Switches the OpenSSH server of this Windows Server on and reports its ed25519 host key.
.DESCRIPTION
Needs no other file: an Azure managed run command sends only this one, and runs it as SYSTEM. It can run any number of
times.

Windows Server 2019 and later: installs the built-in capability if it is missing. Older versions: checks the SHA-256 of
a release of Win32-OpenSSH and unpacks it into %ProgramFiles%\OpenSSH. Gives only administrators access to
%ProgramData%\ExchangeCas, to which the other scripts are copied.

Standard output is one JSON object between two marks, {"hostKey": "ssh-ed25519 AAAA..."}. Exit code 0, or 1 with the
reason on standard error.
.PARAMETER Port
The TCP port to listen on.
.PARAMETER PackageUrl
The URL from which Windows Server 2016 and older download OpenSSH-Win64.zip.
.PARAMETER PackageSha256
The SHA-256 of that file, 64 hexadecimal digits.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File Enable-OpenSsh.ps1 -Port 22
.EXAMPLE
powershell -File Enable-OpenSsh.ps1 -PackageUrl https://files.example.com/OpenSSH-Win64.zip -PackageSha256 0123...
#>
[CmdletBinding()]
param(
    [ValidateRange(1, 65535)]
    [int] $Port = 22,

    [string] $PackageUrl = '',

    [ValidatePattern('^([0-9A-Fa-f]{64})?\z')]
    [string] $PackageSha256 = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$FirstBuildWithOpenSsh = 17763
$FirewallRule = 'ExchangeCas-OpenSSH-In-TCP'

function Install-OpenSsh {
    if (Get-Service -Name sshd -ErrorAction SilentlyContinue) { return }
    $build = [int] (Get-CimInstance -ClassName Win32_OperatingSystem).BuildNumber
    if ($build -ge $FirstBuildWithOpenSsh) {
        Install-OpenSshCapability
    } else {
        Install-OpenSshPackage -Build $build
    }
    if (-not (Get-Service -Name sshd -ErrorAction SilentlyContinue)) {
        throw 'OpenSSH was installed, but there is no service sshd.'
    }
}

function Install-OpenSshCapability {
    $capability = @(Get-WindowsCapability -Online | Where-Object { $_.Name -like 'OpenSSH.Server~*' })
    if ($capability.Count -ne 1) { throw 'Windows offers no capability OpenSSH.Server.' }
    Add-WindowsCapability -Online -Name $capability[0].Name | Out-Null
}

# Unpacks below Program Files and renames there, so that the files inherit the access list by which only administrators
# can replace them. Files that are moved from elsewhere keep their old access list.
function Install-OpenSshPackage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [int] $Build
    )
    if (-not $PackageUrl -or -not $PackageSha256) {
        throw "Windows build $Build has no OpenSSH of its own: " +
        'give -PackageUrl and -PackageSha256 of an OpenSSH-Win64.zip.'
    }
    $target = Join-Path $env:ProgramFiles 'OpenSSH'
    $staging = Join-Path $env:ProgramFiles ('OpenSSH-' + [guid]::NewGuid())
    $archive = Join-Path ([System.IO.Path]::GetTempPath()) ([guid]::NewGuid().ToString() + '.zip')
    try {
        Save-Package -Path $archive
        Add-Type -AssemblyName System.IO.Compression.FileSystem
        [System.IO.Compression.ZipFile]::ExtractToDirectory($archive, $staging)
        $installer = @(Get-ChildItem -LiteralPath $staging -Recurse -Filter 'install-sshd.ps1')
        if ($installer.Count -ne 1) {
            throw "The package holds $($installer.Count) files install-sshd.ps1 instead of one."
        }
        # A folder without a service is left over from an interrupted installation.
        if (Test-Path -LiteralPath $target) { Remove-Item -LiteralPath $target -Recurse -Force }
        Move-Item -LiteralPath $installer[0].DirectoryName -Destination $target
    } finally {
        foreach ($leftover in $archive, $staging) {
            if (Test-Path -LiteralPath $leftover) { Remove-Item -LiteralPath $leftover -Recurse -Force }
        }
    }
    # The script in the package does not run in strict mode.
    & {
        Set-StrictMode -Off
        $ErrorActionPreference = 'Continue'
        & (Join-Path $target 'install-sshd.ps1') | Out-Null
    }
}

function Save-Package {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Path
    )
    # .NET on Windows Server 2012 R2 and 2016 offers only TLS 1.0 by default.
    $protocols = [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
    [System.Net.ServicePointManager]::SecurityProtocol = $protocols
    $client = New-Object System.Net.WebClient
    try {
        $client.DownloadFile($PackageUrl, $Path)
    } finally {
        $client.Dispose()
    }
    $found = (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash
    if ($found -ne $PackageSha256) {
        throw "The file at $PackageUrl has SHA-256 $found, expected $PackageSha256. Nothing was unpacked."
    }
}

# Returns whether the file was changed. Writes the directive at the top, because it must precede the first Match block.
function Set-SshdPort {
    $config = Join-Path (Join-Path $env:ProgramData 'ssh') 'sshd_config'
    $lines = @(Get-Content -LiteralPath $config)
    $directives = @($lines | Where-Object { $_ -match '^\s*Port\s+\d+\s*\z' })
    $ports = @($directives | ForEach-Object { [int] ($_ -replace '\D', '') })
    if ($ports.Count -eq 0) { $ports = @(22) }
    if ($ports.Count -eq 1 -and $ports[0] -eq $Port) { return $false }
    Set-Content -LiteralPath $config -Value (@("Port $Port") + @($lines -notmatch '^\s*Port\s+\d+\s*\z'))
    $true
}

function Open-Firewall {
    $rule = @{
        Name        = $FirewallRule
        Direction   = 'Inbound'
        Action      = 'Allow'
        Protocol    = 'TCP'
        LocalPort   = $Port
        Profile     = 'Any'
        Enabled     = 'True'
        # These cmdlets are functions of a module, which ignores this script's $ErrorActionPreference.
        ErrorAction = 'Stop'
    }
    if (Get-NetFirewallRule -Name $FirewallRule -ErrorAction SilentlyContinue) {
        Set-NetFirewallRule @rule
    } else {
        New-NetFirewallRule @rule -DisplayName 'OpenSSH server (exchange-cas)' | Out-Null
    }
}

# Starts sshd before its port is set, because the first start writes its configuration and its host keys.
function Start-Sshd {
    Set-Service -Name sshd -StartupType Automatic
    Start-Service -Name sshd
    if (Set-SshdPort) { Restart-Service -Name sshd -Force }
    $status = (Get-Service -Name sshd).Status
    if ($status -ne 'Running') { throw "The service sshd is $status instead of running." }
}

function Get-HostKey {
    $path = Join-Path (Join-Path $env:ProgramData 'ssh') 'ssh_host_ed25519_key.pub'
    $until = (Get-Date).AddSeconds(60)
    while (-not (Test-Path -LiteralPath $path)) {
        if ((Get-Date) -gt $until) { throw "sshd runs, but made no host key: $path does not exist." }
        Start-Sleep -Milliseconds 500
    }
    $words = @((Get-Content -LiteralPath $path -TotalCount 1) -split '\s+')
    if ($words.Count -lt 2 -or $words[0] -ne 'ssh-ed25519') { throw "$path holds no ssh-ed25519 key." }
    $words[0..1] -join ' '
}

# Gives only SYSTEM and administrators access to the folder of the scripts, which run with administrators' rights: below
# ProgramData every user can add files. Uses SIDs, because Windows translates the names.
function Protect-ScriptFolder {
    $folder = Join-Path $env:ProgramData 'ExchangeCas'
    New-Item -ItemType Directory -Path $folder -Force | Out-Null
    & icacls.exe $folder /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
    if ($LASTEXITCODE -ne 0) { throw "icacls ended with $LASTEXITCODE for $folder." }
}

try {
    Protect-ScriptFolder
    Install-OpenSsh
    Open-Firewall
    Start-Sshd
    $report = ConvertTo-Json -InputObject @{ hostKey = Get-HostKey } -Compress
    # Azure returns all output, so the report stands between the same marks as in ClientAccess.ps1.
    "=== exchange-cas report 1 begins ===`n$report`n=== exchange-cas report 1 ends ==="
    exit 0
} catch {
    $cause = "SSH could not be switched on: $($_.Exception.Message)"
    [Console]::Error.WriteLine("${env:COMPUTERNAME}: $cause Fix the cause, then run this again.")
    exit 1
}
