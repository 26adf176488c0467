# Scheduled tasks and the restart of the Windows stand-in; a part of WindowsStandIn.psm1. State in windows.json: tasks
# (name -> user, passwordStored, settings, pid), accounts (user -> SHA-256 of the password; without it every password is
# right), forbidsStoredPasswords, restartRequested.

function New-ScheduledTaskAction {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Execute,

        [string] $Argument = ''
    )
    @{ execute = $Execute; argument = $Argument }
}

function New-ScheduledTaskSettingsSet {
    [CmdletBinding()]
    param(
        [timespan] $ExecutionTimeLimit = '3.00:00:00',

        [ValidateSet('Parallel', 'Queue', 'IgnoreNew')]
        [string] $MultipleInstances = 'IgnoreNew',

        [ValidateRange(0, 10)]
        [int] $Priority = 7,

        [switch] $AllowStartIfOnBatteries,

        [switch] $DontStopIfGoingOnBatteries
    )
    @{
        executionTimeLimit = "$ExecutionTimeLimit"
        multipleInstances  = $MultipleInstances
        priority           = $Priority
        onBatteries        = $AllowStartIfOnBatteries -and $DontStopIfGoingOnBatteries
    }
}

# Returns why Windows refuses the account of a task, or nothing.
function Find-AccountRefusal {
    [CmdletBinding()]
    param(
        $State,
        [string] $User,
        [string] $Password
    )
    if ($User -match '[\\@]' -and -not (Get-CimInstance -ClassName Win32_ComputerSystem).PartOfDomain) {
        return '(8,8):UserId: No mapping between account names and security IDs was done. (0x80070534)'
    }
    if ($State['forbidsStoredPasswords']) {
        return 'A specified logon session does not exist. It may already have been terminated. (0x80070520)'
    }
    if ($State['accounts']) {
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($Password)
        $hash = [System.Convert]::ToHexString([System.Security.Cryptography.SHA256]::HashData($bytes))
        if ($State.accounts[$User] -ne $hash) { return 'The user name or password is incorrect. (0x8007052e)' }
    }
}

function Register-ScheduledTask {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $TaskName,

        [Parameter(Mandatory)]
        $Action,

        [Parameter(Mandatory)]
        $Settings,

        [Parameter(Mandatory)]
        [string] $User,

        [string] $Password = '',

        [ValidateSet('Limited', 'Highest')]
        [string] $RunLevel = 'Limited'
    )
    $state = Read-Windows
    if ($state.tasks.ContainsKey($TaskName)) {
        $text = 'Cannot create a file when that file already exists. (0x800700b7)'
        return $PSCmdlet.WriteError((New-Error $text 'ResourceExists'))
    }
    $refusal = if ($Password) { Find-AccountRefusal $state $User $Password }
    if ($refusal) { return $PSCmdlet.WriteError((New-Error $refusal 'PermissionDenied')) }
    $task = $Action + $Settings + @{
        user           = $User
        passwordStored = [bool] $Password
        runLevel       = $RunLevel
        pid            = 0
    }
    Edit-Windows { param($State) $State.tasks[$TaskName] = $task }
    Get-ScheduledTask -TaskName $TaskName
}

# A killed process may wait in vain for its parent to take note of it (state Z).
function Test-TaskProcess {
    [CmdletBinding()]
    param($Task)
    $file = "/proc/$($Task.pid)/stat"
    if ($Task.pid -eq 0 -or -not (Test-Path -LiteralPath $file)) { return $false }
    try { [System.IO.File]::ReadAllText($file) -notmatch '\) [ZX] ' } catch [System.IO.IOException] { $false }
}

function Get-ScheduledTask {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $TaskName
    )
    $task = (Read-Windows).tasks[$TaskName]
    if (-not $task) {
        $text = "No MSFT_ScheduledTask objects found with property 'TaskName' equal to '$TaskName'."
        return $PSCmdlet.WriteError((New-Error $text))
    }
    $name = if (Test-TaskProcess $task) { 'Running' } else { 'Ready' }
    [pscustomobject]@{ TaskName = $TaskName; TaskPath = '\'; State = $name }
}

# The task is a process of its own session, without this one's streams: it goes on when the SSH session ends.
function Start-ScheduledTask {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $TaskName
    )
    if (-not (Get-ScheduledTask -TaskName $TaskName)) { return }
    $task = (Read-Windows).tasks[$TaskName]
    if (Test-TaskProcess $task) { return }
    if ($task.execute -ne 'powershell.exe' -or $task.argument -notmatch '-File "([^"]+)" (-\w+) "([^"]+)"\z') {
        return $PSCmdlet.WriteError((New-Error 'The system cannot find the file specified. (0x80070002)'))
    }
    $command = @($Matches[1..3])
    $domain, $name = if ($task.user -match '\\') { $task.user -split '\\' } else { ($task.user -split '@')[1, 0] }
    $start = New-Object System.Diagnostics.ProcessStartInfo '/bin/sh'
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $true
    $start.ArgumentList.Add('-c')
    $start.ArgumentList.Add('setsid "$@" < /dev/null > "$TASK_OUTPUT" 2>&1 & echo $!')
    $launcher = Join-Path $PSScriptRoot 'Invoke-OnServer.ps1'
    $options = '-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File', $launcher
    $words = @('sh', $env:EXCHANGE_STANDIN_PWSH) + $options + $command
    foreach ($word in $words) { $start.ArgumentList.Add($word) }
    # Each process begins with the path of its own PowerShell.
    $null = $start.Environment.Remove('PSModulePath')
    $start.Environment['TASK_OUTPUT'] = Join-Path $env:EXCHANGE_STANDIN_ROOT "task-$TaskName.log"
    $start.Environment['EXCHANGE_STANDIN_LOGON'] = if ($task.passwordStored) { 'password' } else { 'key' }
    $start.Environment['USERNAME'] = "$name"
    $start.Environment['USERDOMAIN'] = ("$domain" -split '\.')[0].ToUpperInvariant()
    # The state must know the process before the task can remove itself from it.
    Edit-Windows {
        param($State)
        $process = [System.Diagnostics.Process]::Start($start)
        $State.tasks[$TaskName].pid = [int] $process.StandardOutput.ReadLine()
    }
}

function Unregister-ScheduledTask {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory)]
        [string] $TaskName
    )
    if (-not (Get-ScheduledTask -TaskName $TaskName) -or -not $PSCmdlet.ShouldProcess($TaskName)) { return }
    Edit-Windows { param($State) $State.tasks.Remove($TaskName) }
}

# Accepts the form that restarts in a few seconds. What runs the server sees restartRequested and restarts it.
function shutdown.exe {
    if ("$args" -notmatch '\A/r /f /t \d+ /d p:\d+:\d+\z') {
        $global:LASTEXITCODE = 87
        return "Invalid parameter in: shutdown $args"
    }
    $global:LASTEXITCODE = if ((Read-Windows)['restartRequested']) { 1190 } else { 0 }
    Edit-Windows { param($State) $State['restartRequested'] = $true }
}
