# Stand-in for the parts of Windows that the scripts use. State: windows.json in the server's folder.

. (Join-Path $PSScriptRoot 'ExchangeState.ps1')
. (Join-Path $PSScriptRoot 'WindowsAccount.ps1')
. (Join-Path $PSScriptRoot 'WindowsDisks.ps1')
. (Join-Path $PSScriptRoot 'WindowsFeatures.ps1')
. (Join-Path $PSScriptRoot 'WindowsFirewall.ps1')
. (Join-Path $PSScriptRoot 'WindowsMedia.ps1')
. (Join-Path $PSScriptRoot 'WindowsPackages.ps1')
. (Join-Path $PSScriptRoot 'WindowsRegistry.ps1')
. (Join-Path $PSScriptRoot 'WindowsSetup.ps1')
. (Join-Path $PSScriptRoot 'WindowsTasks.ps1')

$SshFolder = Join-Path $env:ProgramData 'ssh'

function Read-ThisServer {
    if ($env:EXCHANGE_STANDIN_ORGANISATION) { Read-Server $env:COMPUTERNAME }
}

function New-Error {
    [CmdletBinding()]
    param(
        [string] $Text,
        [string] $Category = 'ObjectNotFound'
    )
    $exception = New-Object System.InvalidOperationException $Text
    New-Object System.Management.Automation.ErrorRecord($exception, 'WindowsStandIn', $Category, $null)
}

function Get-Process {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)]
        [string[]] $Name = '*'
    )
    $running = @('svchost', 'w3wp') + @((Read-Windows).processes)
    foreach ($pattern in $Name) {
        $found = @($running | Where-Object { $_ -like $pattern })
        foreach ($process in $found) { [pscustomobject]@{ Name = $process; ProcessName = $process } }
        if ($found.Count -eq 0 -and -not [WildcardPattern]::ContainsWildcardCharacters($pattern)) {
            $text = "Cannot find a process with the name `"$pattern`". " +
            'Verify the process name and call the cmdlet again.'
            $PSCmdlet.WriteError((New-Error $text))
        }
    }
}

function Get-CimInstance {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $ClassName
    )
    switch ($ClassName) {
        'Win32_ComputerSystem' {
            $windows = Read-Windows
            # Without an entry, Exchange shows that the server was joined.
            $domain = if ($windows.ContainsKey('domain')) { $windows.domain } else { (Read-ThisServer).domain }
            [pscustomobject]@{
                Name         = $env:COMPUTERNAME
                DNSHostName  = $env:COMPUTERNAME.ToLowerInvariant()
                Domain       = if ($domain) { $domain } else { 'WORKGROUP' }
                PartOfDomain = [bool] $domain
            }
        }
        'Win32_OperatingSystem' { [pscustomobject]@{
            BuildNumber    = "$((Read-Windows).build)"
            ProductType    = [uint32] 3
            LastBootUpTime = ([datetime] '2026-01-01T08:00:00').AddHours((Read-Windows).boots)
        } }
        'Win32_DiskDrive' { Get-DiskDrive }
        default { $PSCmdlet.WriteError((New-Error "Invalid class $ClassName")) }
    }
}

function Get-ServiceTable {
    $state = Read-Windows
    $table = @{ W3SVC = 'Running' }
    $server = Read-ThisServer
    if ($server) { $table['MSExchangeServiceHost'] = 'Running' }
    if ($server -and $server.components.ContainsKey('HubTransport')) { $table['MSExchangeTransport'] = 'Running' }
    if ($state['sshd']) { $table['sshd'] = $state['sshd'].status }
    foreach ($name in $state.services.Keys) { $table[$name] = $state.services[$name] }
    $table
}

function Get-Service {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)]
        [string[]] $Name = '*'
    )
    $services = Get-ServiceTable
    foreach ($pattern in $Name) {
        $found = @($services.Keys | Where-Object { $_ -like $pattern })
        foreach ($service in $found) { [pscustomobject]@{
            Name        = $service
            ServiceName = $service
            Status      = $services[$service]
        } }
        if ($found.Count -eq 0 -and -not [WildcardPattern]::ContainsWildcardCharacters($pattern)) {
            $PSCmdlet.WriteError((New-Error "Cannot find any service with service name '$pattern'."))
        }
    }
}

function New-Service {
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'DisplayName')]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'Description')]
    param(
        [Parameter(Mandatory)]
        [string] $Name,

        [Parameter(Mandatory)]
        [string] $BinaryPathName,

        [string] $DisplayName,

        [string] $Description,

        [ValidateSet('Automatic', 'Manual', 'Disabled')]
        [string] $StartupType = 'Automatic'
    )
    if ((Get-ServiceTable).ContainsKey($Name)) {
        $text = "Service '$Name' cannot be created: The specified service already exists."
        return $PSCmdlet.WriteError((New-Error $text 'ResourceExists'))
    }
    Save-Sshd @{ status = 'Stopped'; startup = $StartupType; binary = $BinaryPathName }
    Get-Service -Name $Name
}

function Set-Service {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $Name,

        [ValidateSet('Automatic', 'Manual', 'Disabled')]
        [string] $StartupType
    )
    if (-not (Get-Service -Name $Name -ErrorAction SilentlyContinue)) {
        return $PSCmdlet.WriteError((New-Error "Service $Name was not found on computer '.'."))
    }
    Save-Sshd @{ startup = $StartupType }
}

function Start-Service {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $Name
    )
    $service = Get-Service -Name $Name -ErrorAction SilentlyContinue
    if (-not $service) { return $PSCmdlet.WriteError((New-Error "Cannot find any service with service name '$Name'.")) }
    if ($service.Status -eq 'Running') { return }
    $refusal = Start-SshdProcess
    if ($refusal) { $PSCmdlet.WriteError((New-Error "Failed to start service '$Name'. $refusal" 'OpenError')) }
}

function Restart-Service {
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'Force')]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $Name,

        [switch] $Force
    )
    if (-not (Get-Service -Name $Name -ErrorAction SilentlyContinue)) {
        return $PSCmdlet.WriteError((New-Error "Cannot find any service with service name '$Name'."))
    }
    switch ($Name) {
        'sshd' {
            Save-Sshd @{ status = 'Stopped' }
            Start-Service -Name sshd
        }
        { $_ -in 'W3SVC', 'MSExchangeTransport' } {
            $fault = Find-Fault (Read-ThisServer) "Restart-Service $Name"
            if ($fault) { return $PSCmdlet.WriteError((New-Error $fault.message 'CloseError')) }
            Restart-ExchangeService $Name
        }
        default {
            $text = "Service '$Name' cannot be stopped due to the following error: " +
            "Cannot open $Name service on computer '.'."
            $PSCmdlet.WriteError((New-Error $text 'CloseError'))
        }
    }
}

# Counts the restarts of the web site, because each ends its connections and sessions.
function Restart-ExchangeService {
    [CmdletBinding()]
    param([string] $Name)
    if ($env:EXCHANGE_STANDIN_ORGANISATION) { Add-Call 'Restart-Service' @{ Name = $Name } }
    $state = Read-Windows
    $state.services[$Name] = 'Running'
    if ($Name -eq 'W3SVC') { $state.w3svcRestarts++ }
    Write-Windows $state
    if ($Name -eq 'W3SVC') { Wait-WebSite $state.w3svcRestarts }
    Write-Warning "Waiting for service '$Name' to start..."
}

# Waits for a web site that follows this Windows. A file holds the restart that the web site has reached.
function Wait-WebSite {
    [CmdletBinding()]
    param([int] $Restart)
    $followed = Join-Path $env:EXCHANGE_STANDIN_ROOT 'w3svc-followed'
    $until = (Get-Date).AddSeconds(60)
    while ((Test-Path -LiteralPath $followed) -and [int] [System.IO.File]::ReadAllText($followed) -lt $Restart) {
        if ((Get-Date) -gt $until) { throw "Service 'W3SVC' did not start in time." }
        Start-Sleep -Milliseconds 20
    }
}

function Save-Sshd {
    [CmdletBinding()]
    param([hashtable] $Values)
    $state = Read-Windows
    if (-not $state.ContainsKey('sshd')) { $state['sshd'] = @{} }
    foreach ($key in $Values.Keys) { $state['sshd'][$key] = $Values[$key] }
    Write-Windows $state
}

# Starts sshd. The first start writes the configuration and copies the host keys from the server's folder host-keys.
# Returns the reason if sshd cannot start.
function Start-SshdProcess {
    $sshd = (Read-Windows)['sshd']
    $programs = @($env:ProgramFiles, (Join-Path $env:SystemRoot 'System32')) | ForEach-Object {
        [System.IO.Path]::GetFullPath($_) + [System.IO.Path]::DirectorySeparatorChar
    }
    $binary = [System.IO.Path]::GetFullPath($sshd['binary'])
    if (-not @($programs | Where-Object { $binary.StartsWith($_) })) {
        return 'sshd serves no connection from outside of Program Files.'
    }
    if ($sshd['startup'] -eq 'Disabled') {
        return 'The service cannot be started, either because it is disabled or because it has no enabled devices ' +
        'associated with it.'
    }
    New-Item -ItemType Directory -Path $SshFolder -Force | Out-Null
    $config = Join-Path $SshFolder 'sshd_config'
    if (-not (Test-Path -LiteralPath $config)) {
        $lines = @(
            '# This is the sshd server system-wide configuration file.'
            '#Port 22'
            ''
            'Match Group administrators'
            '       AuthorizedKeysFile __PROGRAMDATA__/ssh/administrators_authorized_keys'
            ''
        )
        [System.IO.File]::WriteAllText($config, $lines -join "`n")
    }
    $key = Join-Path $SshFolder 'ssh_host_ed25519_key'
    foreach ($suffix in '', '.pub') {
        $waiting = Join-Path $env:EXCHANGE_STANDIN_ROOT 'host-keys' "ssh_host_ed25519_key$suffix"
        if (-not (Test-Path -LiteralPath "$key$suffix")) { Copy-Item -LiteralPath $waiting -Destination "$key$suffix" }
    }
    $head = [System.Text.RegularExpressions.Regex]::Split([System.IO.File]::ReadAllText($config), '(?m)^\s*Match\s')[0]
    $port = [regex]::Match($head, '(?m)^\s*Port\s+(\d+)\s*$')
    Save-Sshd @{ status = 'Running'; port = $(if ($port.Success) { [int] $port.Groups[1].Value } else { 22 }) }
}

# Accepts only the arguments that replace the access list of a folder. windows.json keeps the list.
function icacls.exe {
    $folder, $words = $args
    $grants = @($words | Where-Object { $_ -like '`*S-1-*' })
    $isForm = $words[0] -eq '/inheritance:r' -and $words[1] -eq '/grant:r' -and $grants.Count -eq $words.Count - 2
    if (-not (Test-Path -LiteralPath $folder) -or -not $isForm) {
        $global:LASTEXITCODE = 87
        return "Invalid parameter in: icacls $args"
    }
    $state = Read-Windows
    $state['access'] = @{ (Split-Path -Leaf $folder) = $grants }
    Write-Windows $state
    $global:LASTEXITCODE = 0
    "processed file: $folder"
}

# Accepts only the question for one certificate of the machine's store.
function certutil.exe {
    $found = if ($args[0] -eq '-store' -and $args[1] -eq 'My' -and $args.Count -eq 3) {
        (Read-ThisServer).certificates["$($args[2])".ToUpperInvariant()]
    }
    if (-not $found) {
        $global:LASTEXITCODE = -2146893807
        return 'CertUtil: -store command FAILED: 0x80090011 (-2146893807 NTE_NOT_FOUND)'
    }
    $global:LASTEXITCODE = 0
    $provider = if ($found['provider']) { $found['provider'] } else { 'Microsoft Enhanced Cryptographic Provider v1.0' }
    'My "Personal"', "Subject: $($found.subject)", "  Provider = $provider", 'CertUtil: -store command completed.'
}

$public = @(
    'Get-ItemProperty'
    'New-ItemProperty'
    'Remove-ItemProperty'
    'Test-Path'
    'Get-Item'
    'Copy-Item'
    'Unblock-File'
    'Get-AuthenticodeSignature'
    'Start-Process'
    'icacls.exe'
    'nltest.exe'
    'whoami.exe'
    'shutdown.exe'
    'Get-WindowsFeature'
    'Install-WindowsFeature'
    'New-ScheduledTaskAction'
    'New-ScheduledTaskSettingsSet'
    'Register-ScheduledTask'
    'Get-ScheduledTask'
    'Start-ScheduledTask'
    'Unregister-ScheduledTask'
    'Mount-DiskImage'
    'Dismount-DiskImage'
    'Get-DiskImage'
    'Invoke-CimMethod'
    'certutil.exe'
    'Get-Process'
    'Get-CimInstance'
    'Get-Service'
    'New-Service'
    'Set-Service'
    'Start-Service'
    'Restart-Service'
    'Get-NetFirewallRule'
    'New-NetFirewallRule'
    'Set-NetFirewallRule'
    'Get-Disk'
    'Set-Disk'
    'Initialize-Disk'
    'Get-Partition'
    'New-Partition'
    'Set-Partition'
    'Format-Volume'
    'Get-Volume'
)

# Windows Server 2012 R2 has no capabilities. Windows Server 2016 has no capability OpenSSH.
if ((Read-Windows).build -ge 14393) {
    $OpenSshServer = 'OpenSSH.Server~~~~0.0.1.0'

    function Get-WindowsCapability {
        [CmdletBinding()]
        [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'Online')]
        param(
            [Parameter(Mandatory)]
            [switch] $Online
        )
        [pscustomobject]@{ Name = 'Language.Basic~~~en-US~0.0.1.0'; State = 'Installed' }
        $state = Read-Windows
        if ($state.build -ge 17763) {
            [pscustomobject]@{ Name = 'OpenSSH.Client~~~~0.0.1.0'; State = 'Installed' }
            [pscustomobject]@{ Name = $OpenSshServer; State = $state.capability }
        }
    }

    function Add-WindowsCapability {
        [CmdletBinding()]
        [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'Online')]
        param(
            [Parameter(Mandatory)]
            [switch] $Online,

            [Parameter(Mandatory)]
            [string] $Name
        )
        $state = Read-Windows
        if ($Name -ne $OpenSshServer -or $state.build -lt 17763) {
            return $PSCmdlet.WriteError((New-Error 'Add-WindowsCapability failed. Error code = 0x800f0954'))
        }
        $state.capability = 'Installed'
        Write-Windows $state
        Save-Sshd @{
            status  = 'Stopped'
            startup = 'Manual'
            binary  = (Join-Path $env:SystemRoot 'System32' 'OpenSSH' 'sshd.exe')
        }
        Save-FirewallRule 'OpenSSH-Server-In-TCP' @{
            DisplayName = 'OpenSSH SSH Server (sshd)'
            LocalPort   = @('22')
            Protocol    = 'TCP'
            Profile     = 'Private'
            Enabled     = 'True'
            Action      = 'Allow'
            Direction   = 'Inbound'
        }
        [pscustomobject]@{ Online = $true; RestartNeeded = $false }
    }

    $public += 'Get-WindowsCapability', 'Add-WindowsCapability'
}

Add-Drive
Export-ModuleMember -Function $public
