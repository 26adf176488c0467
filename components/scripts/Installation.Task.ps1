# The scheduled task of the installation. It runs detached, because SSH ends what it started; and with a stored
# password, because Exchange setup needs a domain account that reaches Active Directory.

$InstallationTask = 'ExchangeCasInstallation'

# Get-ScheduledTask is a function of a module, which ignores this script's $ErrorActionPreference.
function Get-InstallationTask { Get-ScheduledTask -TaskName $InstallationTask -ErrorAction SilentlyContinue }

function Test-InstallationTaskRunning {
    $task = Get-InstallationTask
    $null -ne $task -and "$($task.State)" -in 'Running', 'Queued'
}

# Removes the task with its stored password.
function Remove-InstallationTask {
    if (Get-InstallationTask) {
        Unregister-ScheduledTask -TaskName $InstallationTask -Confirm:$false -ErrorAction Stop
    }
}

# Priority 4 is that of a program that a person starts; tasks have 7 otherwise, with slow disks.
function Start-InstallationTask {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Folder,

        [Parameter(Mandatory)]
        [System.Management.Automation.PSCredential] $Credential
    )
    Remove-InstallationTask
    $script = Join-Path $PSScriptRoot 'Invoke-Installation.ps1'
    $options = '-NoProfile -NonInteractive -ExecutionPolicy Bypass'
    $action = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument (
        "$options -File `"$script`" -Folder `"$Folder`""
    )
    $settings = @{
        ExecutionTimeLimit         = [timespan]::Zero
        MultipleInstances          = 'IgnoreNew'
        Priority                   = 4
        AllowStartIfOnBatteries    = $true
        DontStopIfGoingOnBatteries = $true
    }
    $task = @{
        TaskName    = $InstallationTask
        Action      = $action
        Settings    = New-ScheduledTaskSettingsSet @settings
        User        = $Credential.UserName
        Password    = $Credential.GetNetworkCredential().Password
        RunLevel    = 'Highest'
        ErrorAction = 'Stop'
    }
    try {
        Register-ScheduledTask @task | Out-Null
        Start-ScheduledTask -TaskName $InstallationTask -ErrorAction Stop
    } catch {
        $cause = $_.Exception.Message
        Remove-InstallationTask
        $failure = @{ Subject = 'scheduled task'; Cause = $cause; Remedy = Get-TaskRemedy $cause }
        Stop-Run (Get-FailureText @failure)
    }
}

function Get-TaskRemedy {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Cause
    )
    switch -Regex ($Cause) {
        '8007052e|password is incorrect' { return 'Write the right user name and password into the stack.' }
        '80070520|specified logon session' {
            return 'A policy forbids to store passwords (Network access: Do not allow storage of passwords and ' +
            'credentials for network authentication): switch it off for this server while Exchange is installed.'
        }
        '80070534|No mapping between account' {
            return 'Give the user of the stack with its domain, and join this server to that domain.'
        }
        default { return 'See that the user may log on as a batch job, then run this again.' }
    }
}
