# Shared by Set-, Get- and Restore-ClientAccessNamespace.ps1, Set-ClientAccessRotation.ps1 and
# Set-ClientAccessCertificate.ps1, which dot-source this file. Language: PowerShell 4.0 (Windows Server 2012 R2). These
# are plain files and not a module, because Import-PSSession inside a module imports the Exchange cmdlets into that
# module only.

# PowerShell's own output (warnings, unexpected errors) uses the console's code page. The command provider fails a run
# whose output is not UTF-8. A run without a console throws IOException and has no code page to change.
try {
    [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
} catch [System.IO.IOException] {
    $null = $_
}

$parts = @(
    'Services'
    'Values'
    'Document'
    'NamespaceDocument'
    'RotationDocument'
    'Server'
    'Session'
    'Settings'
    'NamespaceReport'
    'Update'
    'Originals'
    'AppPools'
    'Components'
    'Health'
    'ClosedPorts'
    'Rotation'
    'OutOfRotation'
    'CertificateDocument'
    'Pfx'
    'Bindings'
    'CertificateStore'
    'Certificate'
)
foreach ($part in $parts) {
    . (Join-Path $PSScriptRoot "ClientAccess.$part.ps1")
}

# These lines enclose the report, because the server's shell may print text too (AutoRun of cmd.exe, a profile).
# components/powershell.py looks for them.
$ReportMarks = '=== exchange-cas report 1 begins ===', '=== exchange-cas report 1 ends ==='

$RunExitCode = @{
    Agreement      = 0
    Failure        = 1
    Document       = 2
    ExchangeAbsent = 3
    Disagreement   = 4
    SetupRunning   = 5
    Unhealthy      = 6
    NothingKept    = 7
}

# Writes bytes, so that the text is UTF-8 for every code page and without a console.
function Write-Utf8Line {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.IO.Stream] $Stream,

        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string] $Text
    )
    $bytes = (New-Object System.Text.UTF8Encoding $false).GetBytes($Text + "`n")
    $Stream.Write($bytes, 0, $bytes.Length)
    $Stream.Flush()
}

# Prints a line for people. It goes to stderr, because stdout holds the report only.
function Write-Note {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string] $Text
    )
    # The command provider shows lines while the script runs, and hangs on a line of 64 KiB.
    $lines = [regex]::Replace($Text, '[^\n]{8000}(?=[^\n])', "`$0`n")
    Write-Utf8Line -Stream ([Console]::OpenStandardError()) -Text $lines
}

# Ends the run. The exception carries the exit code to Invoke-Run.
function Stop-Run {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Message,

        [int] $ExitCode = $RunExitCode.Failure
    )
    $exception = New-Object System.InvalidOperationException $Message
    $exception.Data['ExitCode'] = $ExitCode
    throw $exception
}

# Returns "EX1 oab: error of Exchange or Windows. Remedy".
function Get-FailureText {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Subject,

        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string] $Cause,

        [Parameter(Mandatory)]
        [string] $Remedy
    )
    $sentence = ($Cause -replace '\s+', ' ').Trim()
    if ($sentence -notmatch '[.!?]\z') { $sentence += '.' }
    "$env:COMPUTERNAME ${Subject}: $sentence $Remedy"
}

# Runs a step that Windows or Exchange may fail. An error ends the run with the subject and the remedy.
function Invoke-Step {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Subject,

        [Parameter(Mandatory)]
        [string] $Remedy,

        [Parameter(Mandatory)]
        [scriptblock] $Step
    )
    try { & $Step } catch { Stop-Run (Get-FailureText -Subject $Subject -Cause $_.Exception.Message -Remedy $Remedy) }
}

# Writes once, so that nothing else gets between the marks. With the default -Depth of 2, ConvertTo-Json prints deeper
# objects as their type names.
function Write-Report {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $text = ConvertTo-Json -InputObject $Report -Depth 6
    $lines = @($ReportMarks[0], $text, $ReportMarks[1]) -join "`n"
    Write-Utf8Line -Stream ([Console]::OpenStandardOutput()) -Text $lines
}

# Runs the step, prints the report after success and after failure, and returns the exit code. The step fills the
# report; its output is discarded.
function Invoke-Run {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        [scriptblock] $Step
    )
    $exitCode = $RunExitCode.Failure
    try {
        & $Step 3>&1 | ForEach-Object {
            if ($_ -is [System.Management.Automation.WarningRecord]) { Write-Note "Warning: $($_.Message)" }
        }
        $exitCode = $RunExitCode.Agreement
    } catch {
        if ($_.Exception.Data.Contains('ExitCode')) {
            $exitCode = $_.Exception.Data['ExitCode']
            Write-Note $_.Exception.Message
        } else {
            $file = [System.IO.Path]::GetFileName($_.InvocationInfo.ScriptName)
            $failure = @{
                Subject = "$file, line $($_.InvocationInfo.ScriptLineNumber)"
                Cause   = $_.Exception.Message
                Remedy  = 'The script did not expect this: run it again; if that does not help, report this line.'
            }
            Write-Note (Get-FailureText @failure)
        }
    }
    Write-Report -Report $Report
    $exitCode
}

# Reads the document, opens the Exchange session, runs the body with both, closes the session.
function Invoke-NamespaceRun {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report,

        [Parameter(Mandatory)]
        [scriptblock] $Body,

        [switch] $WithSettings
    )
    Invoke-Run -Report $Report -Step {
        $document = Read-NamespaceDocument -WithSettings:$WithSettings
        $Report['exchangeVersion'] = $document.ExchangeVersion
        $table = Get-NamespaceServiceTable -ExchangeVersion $document.ExchangeVersion
        $cmdlets = @($table.Values | ForEach-Object { $_.Getter, $_.Setter })
        $exchange = Connect-Exchange -Document $document -Cmdlet $cmdlets
        try {
            Select-Service -Exchange $exchange -Table $table -Named @($document.Settings.Keys)
            foreach ($service in $exchange.Skipped.Keys) { $Report['skipped'][$service] = $exchange.Skipped[$service] }
            & $Body $document $exchange
        } finally {
            Disconnect-Exchange -Exchange $exchange
        }
    }
}
