# What Set-, Get- and Restore-ClientAccessNamespace.ps1 and Set-ClientAccessRotation.ps1 share; each dot-sources this file. Language: PowerShell 4.0 (Windows Server 2012 R2).
# Plain files rather than a module: Import-PSSession called inside a module would import the Exchange cmdlets into that module only.

# What PowerShell itself prints (the warnings of a cmdlet, an error that no one expects) goes out in the console's code page, which the command
# provider cannot take: it fails a run whose output is not UTF-8, after the fact. A run without any console has no code page to change.
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch [System.IO.IOException] { $null = $_ }

$parts = 'Services', 'Values', 'Document', 'Session', 'Settings', 'Originals', 'AppPools', 'RotationDocument', 'Components', 'Health', 'ClosedPorts', 'Rotation'
foreach ($part in $parts) {
    . (Join-Path $PSScriptRoot "ClientAccess.$part.ps1")
}

# A report stands between these lines: the server's shell may print as well (AutoRun of cmd.exe, a profile). components/powershell.py looks for them.
$ReportMarks = '=== exchange-cas report 1 begins ===', '=== exchange-cas report 1 ends ==='

$RunExitCode = @{ Agreement = 0; Failure = 1; Document = 2; ExchangeAbsent = 3; Disagreement = 4; SetupRunning = 5; Unhealthy = 6; NothingKept = 7 }

# Bytes, not Write-Output: the text stays UTF-8 whatever code page the console has, and a run without any console works too.
function Write-Utf8Line {
    param(
        [Parameter(Mandatory = $true)] [System.IO.Stream] $Stream,
        [Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Text
    )
    $bytes = (New-Object System.Text.UTF8Encoding $false).GetBytes($Text + "`n")
    $Stream.Write($bytes, 0, $bytes.Length)
    $Stream.Flush()
}

# For people: stderr, so that stdout holds the report and nothing else.
function Write-Note {
    param([Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Text)
    # Lines of bounded length: the command provider shows them while the script runs, and waits for ever on one of 64 KiB.
    $lines = [regex]::Replace($Text, '[^\n]{8000}(?=[^\n])', "`$0`n")
    Write-Utf8Line -Stream ([Console]::OpenStandardError()) -Text $lines
}

# Ends the run: the exit code travels with the exception to Invoke-Run.
function Stop-Run {
    param(
        [Parameter(Mandatory = $true)] [string] $Message,
        [int] $ExitCode = $RunExitCode.Failure
    )
    $exception = New-Object System.InvalidOperationException $Message
    $exception.Data['ExitCode'] = $ExitCode
    throw $exception
}

# "EX1 oab: what Exchange or Windows said. What to do about it."
function Get-FailureText {
    param(
        [Parameter(Mandatory = $true)] [string] $Subject,
        [Parameter(Mandatory = $true)] [AllowEmptyString()] [string] $Said,
        [Parameter(Mandatory = $true)] [string] $Remedy
    )
    $sentence = ($Said -replace '\s+', ' ').Trim()
    if ($sentence -notmatch '[.!?]\z') { $sentence += '.' }
    "$env:COMPUTERNAME ${Subject}: $sentence $Remedy"
}

# Runs a step that only Windows or Exchange can fail; what it throws ends the run with the subject and the remedy.
function Invoke-Step {
    param(
        [Parameter(Mandatory = $true)] [string] $Subject,
        [Parameter(Mandatory = $true)] [string] $Remedy,
        [Parameter(Mandatory = $true)] [scriptblock] $Step
    )
    try { & $Step } catch { Stop-Run (Get-FailureText -Subject $Subject -Said $_.Exception.Message -Remedy $Remedy) }
}

# One write, so that nothing comes between the marks. -Depth is explicit because the default of 2 turns what lies deeper into its type name.
function Write-Report {
    param([Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report)
    $text = ConvertTo-Json -InputObject $Report -Depth 6
    Write-Utf8Line -Stream ([Console]::OpenStandardOutput()) -Text ($ReportMarks[0] + "`n" + $text + "`n" + $ReportMarks[1])
}

function New-NamespaceReport {
    [ordered]@{
        server           = $env:COMPUTERNAME
        exchangeVersion  = $null
        agreement        = $false
        changed          = 0
        settings         = [ordered]@{}
        recycledAppPools = [string[]]@()
        skipped          = [ordered]@{}
    }
}

# Runs the step and prints the report whatever happened. Returns the exit code. What the step writes to the pipeline is lost; it fills the report.
function Invoke-Run {
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [Parameter(Mandatory = $true)] [scriptblock] $Step
    )
    $exitCode = $RunExitCode.Failure
    try {
        & $Step 3>&1 | ForEach-Object { if ($_ -is [System.Management.Automation.WarningRecord]) { Write-Note "Warning: $($_.Message)" } }
        $exitCode = $RunExitCode.Agreement
    } catch {
        if ($_.Exception.Data.Contains('ExitCode')) {
            $exitCode = $_.Exception.Data['ExitCode']
            Write-Note $_.Exception.Message
        } else {
            $place = "$([System.IO.Path]::GetFileName($_.InvocationInfo.ScriptName)), line $($_.InvocationInfo.ScriptLineNumber)"
            Write-Note (Get-FailureText -Subject $place -Said $_.Exception.Message -Remedy 'The script did not expect this: run it again, and report it with this line if it stays so.')
        }
    }
    Write-Report -Report $Report
    $exitCode
}

# Reads the document, opens the Exchange session, runs the body with both, closes the session.
function Invoke-NamespaceRun {
    param(
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Report,
        [Parameter(Mandatory = $true)] [scriptblock] $Body,
        [switch] $WithSettings
    )
    Invoke-Run -Report $Report -Step {
        $document = Read-NamespaceDocument -WithSettings:$WithSettings
        $Report['exchangeVersion'] = $document.ExchangeVersion
        $table = Get-NamespaceServiceTable -ExchangeVersion $document.ExchangeVersion
        $exchange = Connect-Exchange -Document $document -Cmdlet @($table.Values | ForEach-Object { $_.Getter; $_.Setter })
        try {
            Select-Service -Exchange $exchange -Table $table -Named @($document.Settings.Keys)
            foreach ($service in $exchange.Skipped.Keys) { $Report['skipped'][$service] = $exchange.Skipped[$service] }
            & $Body $document $exchange
        } finally {
            Disconnect-Exchange -Exchange $exchange
        }
    }
}
