# The phase restart: Exchange setup refuses a machine whose restart is pending. The restart itself is made by
# Install-ExchangeServer.ps1, after its report.

$MostRestarts = 3

# What marks a pending restart. Setup itself looks at the first two (rules RebootPending and
# PendingRebootWindowsComponents). Microsoft says to restart two or three times, and never to delete these keys.
$PendingRestartValues = @(
    @{ Key = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'; Name = 'PendingFileRenameOperations' }
    @{ Key = 'HKLM:\SOFTWARE\Microsoft\Updates\UpdateExeVolatile'; Name = 'Flags' }
)
$PendingRestartKeys = @(
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
)

# Returns the marks of a pending restart.
function Get-PendingRestart {
    foreach ($one in $PendingRestartValues) {
        $value = @(Get-RegistryValue $one.Key $one.Name | Where-Object { $_ })
        if ($value.Count -gt 0) { "$($one.Key)\$($one.Name)" }
    }
    foreach ($key in $PendingRestartKeys) {
        if (Test-Path -LiteralPath $key) { $key }
    }
    # Only a client of Configuration Manager has this namespace.
    $client = @{
        Namespace   = 'root\ccm\ClientSDK'
        ClassName   = 'CCM_ClientUtilities'
        MethodName  = 'DetermineIfRebootPending'
        ErrorAction = 'SilentlyContinue'
    }
    $answer = Invoke-CimMethod @client
    if ($answer -and ($answer.RebootPending -or $answer.IsHardRebootPending)) { 'Configuration Manager' }
}

function Test-RestartPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
    @(Get-PendingRestart).Count -eq 0
}

function Start-RestartPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $null = $Installation
    Exit-Installation -State restart -Text "Windows asks for a restart: $(@(Get-PendingRestart) -join ', ')"
}

# Restarts the machine after some seconds, in which this script's report leaves it. The file restart.json keeps how many
# restarts this run has made, and when Windows had started before the last one. Returns whether the machine restarts.
function Request-Restart {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder
    )
    $made = Get-RestartCount -Folder $Folder
    if ($made -ge $MostRestarts) { return $false }
    $kept = [ordered]@{ restarts = $made + 1; startedBefore = Get-StartTime }
    Write-InstallationFile -Folder $Folder -Name 'restart.json' -Content $kept
    Invoke-Shutdown
    $true
}

# Whether a restart that was requested has not begun yet.
function Test-Restarting {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder
    )
    $kept = Read-InstallationFile -Folder $Folder -Name 'restart.json'
    $null -ne $kept -and $kept.startedBefore -eq (Get-StartTime)
}

function Get-RestartCount {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder
    )
    $kept = Read-InstallationFile -Folder $Folder -Name 'restart.json'
    if ($null -eq $kept) { 0 } else { [int] $kept.restarts }
}

# Text with a letter in front: ConvertFrom-Json turns a text that looks like a time into one.
function Get-StartTime {
    $time = (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime
    "at $($time.ToUniversalTime().ToString('yyyy-MM-dd HH:mm:ss'))"
}

# A second request while Windows shuts down ends with 1115 or 1190, which is what is wanted.
function Invoke-Shutdown {
    & shutdown.exe /r /f /t 5 /d p:4:2 | Out-Null
    if ($LASTEXITCODE -notin 0, 1115, 1190) {
        $failure = @{
            Subject = 'restart'
            Cause   = "shutdown.exe ended with $LASTEXITCODE"
            Remedy  = 'Restart this machine by hand, then run this again.'
        }
        Stop-Run (Get-FailureText @failure)
    }
}
