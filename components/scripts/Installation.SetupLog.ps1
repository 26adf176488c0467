# Reads ExchangeSetup.log, to which every setup appends, and finds the cause of a failure and its remedy.

$SetupStarted = '\] \[0\] Starting Microsoft Exchange Server .+ Setup\s*\z'
$SetupCompleted = '\] \[0\] The Exchange Server setup operation completed successfully\.'
$CauseLength = 900

function Get-SetupLogFile { Join-Path (Join-Path "$env:SystemDrive\" 'ExchangeSetupLogs') 'ExchangeSetup.log' }

function Get-SetupLogLength {
    $file = Get-SetupLogFile
    if (Test-Path -LiteralPath $file) { (New-Object System.IO.FileInfo $file).Length } else { 0 }
}

# Returns Line, the complete lines of the log from this position on, and Position, where the next ones begin. Setup may
# be writing it. A log that is shorter than the position is another one.
function Read-SetupLog {
    [CmdletBinding()]
    param([long] $Position = 0)
    $part = [pscustomobject]@{ Line = @(); Position = $Position }
    $file = Get-SetupLogFile
    if (-not (Test-Path -LiteralPath $file)) { return $part }
    $share = [System.IO.FileShare]::ReadWrite -bor [System.IO.FileShare]::Delete
    $stream = New-Object System.IO.FileStream($file, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $share)
    try {
        if ($Position -gt $stream.Length) { $part.Position = 0 }
        $null = $stream.Seek($part.Position, [System.IO.SeekOrigin]::Begin)
        # New-Object would return nothing for an array of no elements.
        $bytes = [array]::CreateInstance([byte], $stream.Length - $part.Position)
        $count = $stream.Read($bytes, 0, $bytes.Length)
    } finally {
        $stream.Dispose()
    }
    $length = if ($count -gt 0) { [array]::LastIndexOf($bytes, [byte] 10, $count - 1) + 1 } else { 0 }
    $text = [System.Text.Encoding]::UTF8.GetString($bytes, 0, $length)
    $part.Line = @($text -split '\r?\n' | Where-Object { $_ })
    $part.Position += $length
    $part
}

# Returns the lines after the last start of setup.
function Select-LastSetup {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Line
    )
    for ($i = $Line.Count - 1; $i -ge 0; $i--) {
        if ($Line[$i] -match $SetupStarted) { return $Line[$i..($Line.Count - 1)] }
    }
}

# Returns the names of the components that setup configures, each once.
function Get-SetupComponent {
    [CmdletBinding()]
    param(
        [AllowEmptyCollection()]
        [string[]] $Line
    )
    $shown = ''
    foreach ($one in @($Line)) {
        if ($one -notmatch "\] Processing component '([^']+)'" -or $Matches[1] -eq $shown) { continue }
        $shown = $Matches[1]
        $shown
    }
}

# Returns Cause and Remedy of the last setup in these lines, each empty if it is not known. The cause is what the
# prerequisites require with their rules, else the first error: the later ones follow from it.
function Get-SetupFailure {
    [CmdletBinding()]
    param(
        [AllowNull()]
        [AllowEmptyCollection()]
        [string[]] $Line
    )
    $last = @(if ($Line) { Select-LastSetup -Line $Line })
    $causes = @(Get-MissingPrerequisite -Line $last)
    if ($causes.Count -eq 0) { $causes = @(Get-FirstError -Line $last) }
    $text = @($causes | Select-Object -Unique) -join ' '
    if ($text.Length -gt $CauseLength) { $text = $text.Substring(0, $CauseLength) + ' ...' }
    [pscustomobject]@{
        Cause  = $text
        Remedy = @(Get-KnownRemedy -Cause $causes | Select-Object -Unique) -join ' '
    }
}

# Returns "sentence (rule NAME)" for each.
function Get-MissingPrerequisite {
    [CmdletBinding()]
    param(
        [AllowEmptyCollection()]
        [string[]] $Line
    )
    $rules = @{}
    foreach ($one in @($Line)) {
        if ($one -notmatch '\] Failed \[Rule:([^\]]+)\] \[Message:(.*)\]\s*\z') { continue }
        $rules[$Matches[2].Trim()] = $Matches[1]
    }
    foreach ($one in @($Line)) {
        if ($one -notmatch '\] \[REQUIRED\] (.+)\z') { continue }
        $sentence = $Matches[1].Trim()
        $rule = if ($rules.ContainsKey($sentence)) { " (rule $($rules[$sentence]))" }
        "$sentence$rule"
    }
}

# The first line of an error may quote a script; then the next one says what happened.
function Get-FirstError {
    [CmdletBinding()]
    param(
        [AllowEmptyCollection()]
        [string[]] $Line
    )
    $errors = @(@($Line) | Where-Object { $_ -match '\] \[ERROR\] ' } | ForEach-Object {
            ($_ -replace '^.*?\] \[ERROR\] ', '').Trim()
        })
    if ($errors.Count -eq 0) { return }
    $isScript = $errors[0] -like 'The following error was generated when*' -and $errors.Count -gt 1
    $errors[[int] $isScript]
}

# Returns the remedies of setup-causes.json whose pattern one of these sentences has.
function Get-KnownRemedy {
    [CmdletBinding()]
    param(
        [AllowEmptyCollection()]
        [string[]] $Cause
    )
    $file = Join-Path $PSScriptRoot 'setup-causes.json'
    $table = ConvertFrom-JsonObject ([System.IO.File]::ReadAllText($file))
    foreach ($row in $table.causes) {
        if (@(@($Cause) | Where-Object { $_ -match $row.pattern }).Count -gt 0) { $row.remedy }
    }
}
