<#
.SYNOPSIS
Lists where PowerShell files depart from the style of this repository.
.DESCRIPTION
Reads the syntax trees with PowerShell's own parser, and runs PSScriptAnalyzer as well where that module is installed.
Prints one line per fault, "file:line: rule: text", and at the end one line that says whether PSScriptAnalyzer ran.
A parameter that is unused on purpose has the attribute SuppressMessageAttribute('PSReviewUnusedParameter', 'Name').
.EXAMPLE
pwsh -NoProfile -File rehearsal/powershell/Find-StyleFault.ps1 components/scripts/ClientAccess.ps1
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory, ValueFromRemainingArguments)]
    [string[]] $Path
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$MaximumColumns = 120
$MaximumRowsInALine = 3
$MinimumHeaderLength = 20
$SettingsFile = Join-Path $PSScriptRoot '..' '..' 'PSScriptAnalyzerSettings.psd1'
$Language = 'System.Management.Automation.Language'
$ApprovedVerbs = 'Common', 'Data', 'Lifecycle', 'Diagnostic', 'Communications', 'Security', 'Other' |
    ForEach-Object { ([type] "System.Management.Automation.Verbs$_").GetFields().Name }

function Write-Fault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [int] $Line,

        [Parameter(Mandatory)]
        [string] $Rule,

        [Parameter(Mandatory)]
        [string] $Text
    )
    [pscustomobject]@{ Line = $Line; Rule = $Rule; Text = $Text }
}

function Find-Node {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree,

        [Parameter(Mandatory)]
        [string] $Kind
    )
    $type = [type] "$Language.${Kind}Ast"
    $Tree.FindAll({ param($Node) $Node -is $type }.GetNewClosure(), $true)
}

# Columns, tabs, white space at the end of a line, and indentation that is not a multiple of four.
function Find-TextFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Text
    )
    $number = 0
    foreach ($line in $Text -split "`n") {
        $number++
        if ($line.Length -gt $MaximumColumns) { Write-Fault $number 'columns' "$($line.Length) columns" }
        if ($line -match '\t') { Write-Fault $number 'white-space' 'a tab' }
        if ($line -match '\s\z') { Write-Fault $number 'white-space' 'white space at the end of the line' }
    }
}

function Find-TokenFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object[]] $Token
    )
    $first = $Token[0]
    if ("$($first.Kind)" -ne 'Comment' -or $first.Text.Length -lt $MinimumHeaderLength) {
        Write-Fault 1 'header' 'the file does not open with a comment that says what it is for'
    }
    foreach ($one in $Token) {
        if ("$($one.Kind)" -eq 'LineContinuation') {
            Write-Fault $one.Extent.StartLineNumber 'backtick' 'a line goes on with a backtick: use splatting'
        }
    }
}

# One attribute and one parameter a line. A single parameter without attributes may stand beside "param".
function Find-ParameterFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree
    )
    foreach ($parameter in Find-Node $Tree 'Parameter') {
        $name = $parameter.Name.Extent
        $own = @($parameter.Attributes | Where-Object { $_.GetType().Name -eq 'AttributeAst' })
        $starts = @($own | ForEach-Object { $_.Extent.StartLineNumber }) + $name.StartLineNumber
        if ($own.Count -gt 0 -and @($starts | Select-Object -Unique).Count -lt $starts.Count) {
            Write-Fault $name.StartLineNumber 'attribute' "$($name.Text): each attribute has a line of its own"
        }
    }
    foreach ($block in Find-Node $Tree 'ParamBlock') {
        $lines = @($block.Parameters | ForEach-Object { $_.Name.Extent.StartLineNumber })
        if (@($lines | Select-Object -Unique).Count -lt $lines.Count) {
            Write-Fault $lines[0] 'attribute' 'each parameter has a line of its own'
        }
    }
}

# A table that is longer than a row has each row on a line of its own.
function Find-TableFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree
    )
    foreach ($table in Find-Node $Tree 'Hashtable') {
        $lines = @($table.KeyValuePairs | ForEach-Object { $_.Item1.Extent.StartLineNumber })
        $isRow = $table.Extent.StartLineNumber -eq $table.Extent.EndLineNumber -and $lines.Count -le $MaximumRowsInALine
        if (-not $isRow -and @($lines | Select-Object -Unique).Count -lt $lines.Count) {
            Write-Fault $table.Extent.StartLineNumber 'row' 'each row of a table has a line of its own'
        }
    }
}

function Find-StatementFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree
    )
    foreach ($block in @(Find-Node $Tree 'NamedBlock') + @(Find-Node $Tree 'StatementBlock')) {
        $last = 0
        foreach ($statement in $block.Statements) {
            if ($statement.Extent.StartLineNumber -eq $last) {
                Write-Fault $last 'statement' 'each statement has a line of its own'
            }
            $last = $statement.Extent.EndLineNumber
        }
    }
}

function Find-FunctionFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree
    )
    foreach ($function in Find-Node $Tree 'FunctionDefinition') {
        $line = $function.Extent.StartLineNumber
        # A stand-in of a program has that program's name, like icacls.exe.
        if ($function.Name -notlike '*.exe') {
            $verb, $noun = $function.Name -split '-', 2
            if (-not $noun -or $verb -cnotin $ApprovedVerbs) {
                Write-Fault $line 'verb' "$($function.Name) is not Verb-Noun with an approved verb"
            }
        }
        if ($function.Parameters) {
            Write-Fault $line 'binding' "$($function.Name): parameters stand in a param block"
        }
        $block = $function.Body.ParamBlock
        if (-not $block -or $block.Parameters.Count -eq 0) { continue }
        if ('CmdletBinding' -notin @($block.Attributes | ForEach-Object { "$($_.TypeName)" })) {
            Write-Fault $line 'binding' "$($function.Name) has no [CmdletBinding()]"
        }
    }
}

# Every command of ours and of Windows has a hyphen in its name; an alias has none.
function Find-AliasFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree
    )
    foreach ($command in Find-Node $Tree 'Command') {
        $name = $command.GetCommandName()
        if ($name -and $name -notmatch '[-.\\/]') {
            Write-Fault $command.Extent.StartLineNumber 'alias' "$name is an alias, or not Verb-Noun"
        }
    }
}

function Find-UnusedParameter {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree
    )
    foreach ($block in Find-Node $Tree 'ParamBlock') {
        $allowed = @($block.Attributes | Where-Object { "$($_.TypeName)" -like '*SuppressMessageAttribute' } |
                ForEach-Object { $_.PositionalArguments[1].Value })
        $uses = @(Find-Node $block.Parent 'VariableExpression' | Where-Object { $_.Parent.GetType().Name -ne 'ParameterAst' })
        $used = @($uses | ForEach-Object { $_.VariablePath.UserPath -replace '^script:' })
        if ('PSBoundParameters' -in $used) { continue }
        foreach ($parameter in $block.Parameters) {
            $name = $parameter.Name.VariablePath.UserPath
            if ($name -notin $used -and $name -notin $allowed -and '' -notin $allowed) {
                Write-Fault $parameter.Extent.StartLineNumber 'unused' "the parameter $name is not used"
            }
        }
    }
}

# Name -> how often it occurs: as a command, or as a text, as Export-ModuleMember wants it.
function Get-NameCount {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object[]] $Tree
    )
    $count = @{}
    foreach ($text in $Tree | ForEach-Object { Find-Node $_ 'StringConstantExpression' }) { $count[$text.Value]++ }
    # Texts that hold code, as the proxies of the Exchange stand-in do.
    foreach ($text in $Tree | ForEach-Object { Find-Node $_ 'ExpandableStringExpression' }) {
        foreach ($word in [regex]::Matches($text.Value, '\b[A-Z]\w+-\w+')) { $count[$word.Value]++ }
    }
    $count
}

# A function calls itself, which is no use of it.
function Find-UnusedFunction {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Tree,

        [Parameter(Mandatory)]
        [hashtable] $Count
    )
    foreach ($function in Find-Node $Tree 'FunctionDefinition') {
        $inside = @(Find-Node $function 'StringConstantExpression' | Where-Object { $_.Value -eq $function.Name })
        if ($Count[$function.Name] -le $inside.Count) {
            Write-Fault $function.Extent.StartLineNumber 'unused' "the function $($function.Name) is not used"
        }
    }
}

function Find-AnalyzerFault {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $File
    )
    foreach ($record in Invoke-ScriptAnalyzer -Path $File -Settings $SettingsFile) {
        Write-Fault $record.Line $record.RuleName $record.Message
    }
}

$files = foreach ($one in $Path) {
    $tokens = $null
    $errors = $null
    $full = Resolve-Path -LiteralPath $one
    $tree = [System.Management.Automation.Language.Parser]::ParseFile("$full", [ref] $tokens, [ref] $errors)
    [pscustomobject]@{
        Name   = $one
        Full   = "$full"
        Tree   = $tree
        Tokens = $tokens
        Errors = $errors
    }
}
$count = Get-NameCount -Tree @($files.Tree)
$hasAnalyzer = [bool] (Get-Module -ListAvailable -Name PSScriptAnalyzer)
foreach ($file in $files) {
    $faults = @(
        $file.Errors | ForEach-Object { Write-Fault $_.Extent.StartLineNumber 'syntax' $_.Message }
        Find-TextFault -Text ([System.IO.File]::ReadAllText($file.Full))
        Find-TokenFault -Token $file.Tokens
        Find-ParameterFault -Tree $file.Tree
        Find-TableFault -Tree $file.Tree
        Find-StatementFault -Tree $file.Tree
        Find-FunctionFault -Tree $file.Tree
        Find-AliasFault -Tree $file.Tree
        Find-UnusedParameter -Tree $file.Tree
        Find-UnusedFunction -Tree $file.Tree -Count $count
        if ($hasAnalyzer) { Find-AnalyzerFault -File $file.Full }
    )
    foreach ($fault in $faults | Sort-Object -Property Line) {
        "$($file.Name):$($fault.Line): $($fault.Rule): $($fault.Text)"
    }
}
if ($hasAnalyzer) { 'PSScriptAnalyzer: ran' } else { 'PSScriptAnalyzer: not installed' }
