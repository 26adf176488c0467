<#
.SYNOPSIS
Lists where PowerShell files depart from the style of this repository.
.DESCRIPTION
Reads the syntax trees with PowerShell's own parser, and runs PSScriptAnalyzer as well if that module is installed.
Prints one line per fault, "file:line: rule: text", and a last line that says whether PSScriptAnalyzer ran.

A parameter that is unused on purpose has SuppressMessageAttribute('PSReviewUnusedParameter', 'Name'), which
PSScriptAnalyzer accepts, too.
.PARAMETER Path
The files.
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
$Kinds = @(
    'CommandAst'
    'ExpandableStringExpressionAst'
    'FunctionDefinitionAst'
    'HashtableAst'
    'NamedBlockAst'
    'ParamBlockAst'
    'ParameterAst'
    'StatementBlockAst'
    'StringConstantExpressionAst'
    'VariableExpressionAst'
)
$SettingsFile = Join-Path $PSScriptRoot '..' '..' 'PSScriptAnalyzerSettings.psd1'
# Get-Verb reads the same fields.
$ApprovedVerbs = 'Common', 'Data', 'Lifecycle', 'Diagnostic', 'Communications', 'Security', 'Other' |
    ForEach-Object { ([type] "System.Management.Automation.Verbs$_").GetFields().Name }

function New-Fault {
    [CmdletBinding()]
    param(
        [int] $Line,
        [string] $Rule,
        [string] $Text
    )
    [pscustomobject]@{ Line = $Line; Rule = $Rule; Text = $Text }
}

# Returns kind of node -> nodes, for the kinds that the checks read. One walk through the tree serves all of them.
function Get-NodeTable {
    [CmdletBinding()]
    param([System.Management.Automation.Language.Ast] $Tree)
    $table = @{}
    foreach ($kind in $Kinds) { $table[$kind] = [System.Collections.ArrayList] @() }
    foreach ($node in $Tree.FindAll({ $true }, $true)) {
        $kind = $node.GetType().Name
        if ($table.ContainsKey($kind)) { $null = $table[$kind].Add($node) }
    }
    $table
}

function Test-Repeated {
    [CmdletBinding()]
    param([int[]] $Line)
    @($Line | Select-Object -Unique).Count -lt @($Line).Count
}

function Find-TextFault {
    [CmdletBinding()]
    param([string] $Text)
    $number = 0
    foreach ($line in $Text -split "`n") {
        $number++
        if ($line.Length -gt $MaximumColumns) { New-Fault $number 'columns' "$($line.Length) columns" }
        if ($line -match '\t') { New-Fault $number 'white-space' 'a tab' }
        if ($line -match '\s\z') { New-Fault $number 'white-space' 'white space at the end of the line' }
    }
}

function Find-TokenFault {
    [CmdletBinding()]
    param([System.Management.Automation.Language.Token[]] $Token)
    if ("$($Token[0].Kind)" -ne 'Comment' -or $Token[0].Text.Length -lt $MinimumHeaderLength) {
        New-Fault 1 'header' 'the file does not open with a comment that says what it is for'
    }
    foreach ($one in $Token) {
        if ("$($one.Kind)" -ne 'LineContinuation') { continue }
        New-Fault $one.Extent.StartLineNumber 'backtick' 'a backtick continues the line; use splatting'
    }
}

# Each attribute and each parameter has a line of its own. Parameters of a script block that is not a function are
# exempt.
function Find-ParameterFault {
    [CmdletBinding()]
    param([hashtable] $Nodes)
    foreach ($parameter in $Nodes['ParameterAst']) {
        $name = $parameter.Name.Extent
        $attributes = @($parameter.Attributes | Where-Object { $_.GetType().Name -eq 'AttributeAst' })
        $lines = @($attributes | ForEach-Object { $_.Extent.EndLineNumber }) + $name.StartLineNumber
        if (Test-Repeated $lines) {
            New-Fault $name.StartLineNumber 'attribute' "$($name.Text): each attribute has a line of its own"
        }
    }
    foreach ($block in $Nodes['ParamBlockAst']) {
        $owner = $block.Parent.Parent
        if ($owner -and $owner.GetType().Name -ne 'FunctionDefinitionAst') { continue }
        $lines = @($block.Parameters | ForEach-Object { $_.Name.Extent.StartLineNumber })
        if (Test-Repeated $lines) {
            New-Fault $lines[0] 'attribute' 'each parameter has a line of its own'
        }
    }
}

# A short table may stand in one line; in a longer one each row has a line of its own.
function Find-TableFault {
    [CmdletBinding()]
    param([hashtable] $Nodes)
    foreach ($table in $Nodes['HashtableAst']) {
        $lines = @($table.KeyValuePairs | ForEach-Object { $_.Item1.Extent.StartLineNumber })
        $isInALine = $table.Extent.StartLineNumber -eq $table.Extent.EndLineNumber
        if ($isInALine -and $lines.Count -le $MaximumRowsInALine) { continue }
        if (Test-Repeated $lines) {
            New-Fault $table.Extent.StartLineNumber 'row' 'each row of a table has a line of its own'
        }
    }
}

function Find-StatementFault {
    [CmdletBinding()]
    param([hashtable] $Nodes)
    foreach ($block in @($Nodes['NamedBlockAst']) + @($Nodes['StatementBlockAst'])) {
        $last = 0
        foreach ($statement in $block.Statements) {
            if ($statement.Extent.StartLineNumber -eq $last) {
                New-Fault $last 'statement' 'each statement has a line of its own'
            }
            $last = $statement.Extent.EndLineNumber
        }
    }
}

function Find-FunctionFault {
    [CmdletBinding()]
    param([hashtable] $Nodes)
    foreach ($function in $Nodes['FunctionDefinitionAst']) {
        $line = $function.Extent.StartLineNumber
        $verb, $noun = $function.Name -split '-', 2
        # The stand-in for a program has the program's name, like icacls.exe.
        $isProgram = $function.Name -like '*.exe'
        if (-not $isProgram -and (-not $noun -or $verb -cnotin $ApprovedVerbs)) {
            New-Fault $line 'verb' "$($function.Name) is not Verb-Noun with an approved verb"
        }
        if ($function.Parameters) {
            New-Fault $line 'binding' "$($function.Name): the parameters do not stand in a param block"
        }
        $block = $function.Body.ParamBlock
        if (-not $block -or $block.Parameters.Count -eq 0) { continue }
        if ('CmdletBinding' -notin @($block.Attributes | ForEach-Object { "$($_.TypeName)" })) {
            New-Fault $line 'binding' "$($function.Name) has no [CmdletBinding()]"
        }
    }
}

# Every cmdlet and every function has a hyphen in its name; an alias has none.
function Find-AliasFault {
    [CmdletBinding()]
    param([hashtable] $Nodes)
    foreach ($command in $Nodes['CommandAst']) {
        $name = $command.GetCommandName()
        if ($name -and $name -notmatch '[-.\\/]') {
            New-Fault $command.Extent.StartLineNumber 'alias' "$name is an alias, or not Verb-Noun"
        }
    }
}

function Find-UnusedParameter {
    [CmdletBinding()]
    param([hashtable] $Nodes)
    foreach ($block in $Nodes['ParamBlockAst']) {
        $begin = $block.Extent.EndOffset
        $end = $block.Parent.Extent.EndOffset
        $used = foreach ($variable in $Nodes['VariableExpressionAst']) {
            $at = $variable.Extent.StartOffset
            if ($at -ge $begin -and $at -lt $end) { $variable.VariablePath.UserPath }
        }
        $suppressed = $block.Attributes |
            Where-Object { "$($_.TypeName)" -like '*SuppressMessageAttribute' } |
            ForEach-Object { $_.PositionalArguments[1].Value }
        $known = @($used) + @($suppressed)
        if ('PSBoundParameters' -in $known) { continue }
        foreach ($parameter in $block.Parameters) {
            $name = $parameter.Name.VariablePath.UserPath
            if ($name -notin $known) {
                New-Fault $parameter.Extent.StartLineNumber 'unused' "the parameter $name is not used"
            }
        }
    }
}

# Returns name -> how often it occurs as a command, as a text (Export-ModuleMember), or in a text that holds code.
function Get-NameCount {
    [CmdletBinding()]
    param([object[]] $File)
    $count = @{}
    foreach ($one in $File) {
        foreach ($text in $one.Nodes['StringConstantExpressionAst']) { $count[$text.Value]++ }
        foreach ($text in $one.Nodes['ExpandableStringExpressionAst']) {
            foreach ($word in [regex]::Matches($text.Value, '\b[A-Z]\w+-\w+')) { $count[$word.Value]++ }
        }
    }
    $count
}

# A call by the function itself is not a use.
function Find-UnusedFunction {
    [CmdletBinding()]
    param(
        [hashtable] $Nodes,
        [hashtable] $Count
    )
    foreach ($function in $Nodes['FunctionDefinitionAst']) {
        $extent = $function.Extent
        $own = foreach ($text in $Nodes['StringConstantExpressionAst']) {
            if ($text.Value -ne $function.Name) { continue }
            $at = $text.Extent.StartOffset
            if ($at -ge $extent.StartOffset -and $at -lt $extent.EndOffset) { $text }
        }
        if ($Count[$function.Name] -le @($own).Count) {
            New-Fault $extent.StartLineNumber 'unused' "the function $($function.Name) is not used"
        }
    }
}

function Find-AnalyzerFault {
    [CmdletBinding()]
    param([string] $File)
    foreach ($record in Invoke-ScriptAnalyzer -Path $File -Settings $SettingsFile) {
        New-Fault $record.Line $record.RuleName $record.Message
    }
}

function Read-ScriptFile {
    [CmdletBinding()]
    param([string] $Name)
    $tokens = $null
    $errors = $null
    $full = "$(Resolve-Path -LiteralPath $Name)"
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($full, [ref] $tokens, [ref] $errors)
    [pscustomobject]@{
        Name   = $Name
        Full   = $full
        Tokens = $tokens
        Errors = $errors
        Nodes  = Get-NodeTable $tree
    }
}

$files = @($Path | ForEach-Object { Read-ScriptFile $_ })
$count = Get-NameCount $files
$hasAnalyzer = [bool] (Get-Module -ListAvailable -Name PSScriptAnalyzer)
foreach ($file in $files) {
    $faults = @(
        $file.Errors | ForEach-Object { New-Fault $_.Extent.StartLineNumber 'syntax' $_.Message }
        Find-TextFault ([System.IO.File]::ReadAllText($file.Full))
        Find-TokenFault $file.Tokens
        Find-ParameterFault $file.Nodes
        Find-TableFault $file.Nodes
        Find-StatementFault $file.Nodes
        Find-FunctionFault $file.Nodes
        Find-AliasFault $file.Nodes
        Find-UnusedParameter $file.Nodes
        Find-UnusedFunction $file.Nodes $count
        if ($hasAnalyzer) { Find-AnalyzerFault $file.Full }
    )
    $faults | Sort-Object -Property Line | ForEach-Object { "$($file.Name):$($_.Line): $($_.Rule): $($_.Text)" }
}
if ($hasAnalyzer) { 'PSScriptAnalyzer: ran' } else { 'PSScriptAnalyzer: not installed' }
