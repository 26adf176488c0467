<#
.SYNOPSIS
Switches the OpenSSH server of this Windows Server on and reports its ed25519 host key.
.DESCRIPTION
Stands alone: an Azure managed run command sends only this file, and runs it as SYSTEM. It may run any number of times.
From Windows Server 2019 on it installs the built-in capability where it is missing; on older versions it unpacks a release of Win32-OpenSSH into
%ProgramFiles%\OpenSSH, after its SHA-256 has been checked. %ProgramData%\ExchangeCas, where scripts will be copied to, is left to administrators.
The host key is one JSON object on standard output, {"hostKey": "ssh-ed25519 AAAA..."}, between the two marks of every report. Exit code 0, or 1 with the reason on standard error.
.PARAMETER Port
The TCP port to listen on.
.PARAMETER PackageUrl
Where Windows Server 2016 and older get OpenSSH-Win64.zip from.
.PARAMETER PackageSha256
The SHA-256 of that file, 64 hexadecimal digits.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File Enable-OpenSsh.ps1 -Port 22
.EXAMPLE
powershell -ExecutionPolicy Bypass -File Enable-OpenSsh.ps1 -Port 22 -PackageUrl https://files.example.com/OpenSSH-Win64.zip -PackageSha256 0123...
#>
[CmdletBinding()]
param(
    [ValidateRange(1, 65535)] [int] $Port = 22,
    [string] $PackageUrl = '',
    [ValidatePattern('^([0-9A-Fa-f]{64})?\z')] [string] $PackageSha256 = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$FirstBuildWithOpenSsh = 17763
$FirewallRule = 'ExchangeCas-OpenSSH-In-TCP'

function Install-OpenSsh {
    if (Get-Service -Name sshd -ErrorAction SilentlyContinue) { return }
    $build = [int] (Get-CimInstance -ClassName Win32_OperatingSystem).BuildNumber
    if ($build -ge $FirstBuildWithOpenSsh) { Install-OpenSshCapability } else { Install-OpenSshPackage -Build $build }
    if (-not (Get-Service -Name sshd -ErrorAction SilentlyContinue)) { throw 'OpenSSH was installed, but there is no service sshd.' }
}

function Install-OpenSshCapability {
    $capability = @(Get-WindowsCapability -Online | Where-Object { $_.Name -like 'OpenSSH.Server~*' })
    if ($capability.Count -ne 1) { throw 'Windows offers no capability OpenSSH.Server.' }
    Add-WindowsCapability -Online -Name $capability[0].Name | Out-Null
}

# Only below Program Files do the files inherit an access list that lets nobody but administrators replace them, so they are unpacked there
# and renamed; files moved from elsewhere would keep the access list they were made with.
function Install-OpenSshPackage {
    param([Parameter(Mandatory = $true)] [int] $Build)
    if (-not $PackageUrl -or -not $PackageSha256) {
        throw "Windows build $Build has no OpenSSH of its own: give -PackageUrl and -PackageSha256 of an OpenSSH-Win64.zip."
    }
    $target = Join-Path $env:ProgramFiles 'OpenSSH'
    $staging = Join-Path $env:ProgramFiles ('OpenSSH-' + [guid]::NewGuid())
    $archive = Join-Path ([System.IO.Path]::GetTempPath()) ([guid]::NewGuid().ToString() + '.zip')
    try {
        Save-Package -Path $archive
        Add-Type -AssemblyName System.IO.Compression.FileSystem
        [System.IO.Compression.ZipFile]::ExtractToDirectory($archive, $staging)
        $installer = @(Get-ChildItem -LiteralPath $staging -Recurse -Filter 'install-sshd.ps1')
        if ($installer.Count -ne 1) { throw "The package holds $($installer.Count) files install-sshd.ps1 instead of one." }
        # What is there without a service is the rest of an installation that broke off.
        if (Test-Path -LiteralPath $target) { Remove-Item -LiteralPath $target -Recurse -Force }
        Move-Item -LiteralPath $installer[0].DirectoryName -Destination $target
    } finally {
        foreach ($leftover in $archive, $staging) {
            if (Test-Path -LiteralPath $leftover) { Remove-Item -LiteralPath $leftover -Recurse -Force }
        }
    }
    # The package's own script was not written for strict mode.
    & {
        Set-StrictMode -Off
        $ErrorActionPreference = 'Continue'
        & (Join-Path $target 'install-sshd.ps1') | Out-Null
    }
}

function Save-Package {
    param([Parameter(Mandatory = $true)] [string] $Path)
    # .NET of Windows Server 2012 R2 and 2016 offers TLS 1.0 unless told otherwise.
    [System.Net.ServicePointManager]::SecurityProtocol = [System.Net.ServicePointManager]::SecurityProtocol -bor [System.Net.SecurityProtocolType]::Tls12
    $client = New-Object System.Net.WebClient
    try { $client.DownloadFile($PackageUrl, $Path) } finally { $client.Dispose() }
    $found = (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash
    if ($found -ne $PackageSha256) { throw "The file at $PackageUrl has SHA-256 $found, expected $PackageSha256. Nothing was unpacked." }
}

# Returns whether the file was changed. The directive must stand before the first Match block, hence at the top.
function Set-SshdPort {
    $config = Join-Path (Join-Path $env:ProgramData 'ssh') 'sshd_config'
    $lines = @(Get-Content -LiteralPath $config)
    $ports = @($lines | Where-Object { $_ -match '^\s*Port\s+\d+\s*\z' } | ForEach-Object { [int] ($_ -replace '\D', '') })
    if ($ports.Count -eq 0) { $ports = @(22) }
    if ($ports.Count -eq 1 -and $ports[0] -eq $Port) { return $false }
    Set-Content -LiteralPath $config -Value (@("Port $Port") + @($lines -notmatch '^\s*Port\s+\d+\s*\z'))
    $true
}

function Open-Firewall {
    $rule = @{
        Name = $FirewallRule; Direction = 'Inbound'; Action = 'Allow'; Protocol = 'TCP'; LocalPort = $Port; Profile = 'Any'; Enabled = 'True'
        # Functions of a module, which does not see this script's $ErrorActionPreference.
        ErrorAction = 'Stop'
    }
    if (Get-NetFirewallRule -Name $FirewallRule -ErrorAction SilentlyContinue) {
        Set-NetFirewallRule @rule
    } else {
        New-NetFirewallRule @rule -DisplayName 'OpenSSH server (exchange-cas)' | Out-Null
    }
}

# sshd makes its configuration and its host keys when it starts for the first time.
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

# What runs as an administrator must be written by nobody else: below ProgramData every user may add files. By SID, as names are translated.
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
    # The marks of ClientAccess.ps1: Azure hands out all that was printed.
    "=== exchange-cas report 1 begins ===`n$report`n=== exchange-cas report 1 ends ==="
    exit 0
} catch {
    [Console]::Error.WriteLine("${env:COMPUTERNAME}: SSH could not be switched on: $($_.Exception.Message) Mend that, then run this again.")
    exit 1
}
