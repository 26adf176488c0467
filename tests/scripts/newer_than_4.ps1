<#
.SYNOPSIS
Lists what scripts use that PowerShell 4.0 does not have: language elements, and cmdlets or parameters not in the list
below.
.DESCRIPTION
Prints one JSON object: file name -> sentences. Runs under Windows PowerShell 5.1 and PowerShell 7.
.PARAMETER Folder
The folder of the scripts.
.PARAMETER Alone
The names, separated by commas, of the scripts that may call no function of another one.
#>
[CmdletBinding()]
param(
    [string] $Folder,
    [string] $Alone
)

# The cmdlets of PowerShell 4.0 and of Windows Server 2012 R2 that scripts may call -> the parameters that they may use.
$Known = @{
    'Add-Member'                   = 'MemberType', 'Name', 'Value'
    'Add-Type'                     = 'AssemblyName'
    'ConvertFrom-Csv'              = 'InputObject', 'Header'
    'ConvertFrom-Json'             = 'InputObject'
    'ConvertTo-Json'               = 'InputObject', 'Depth', 'Compress'
    'ConvertTo-SecureString'       = 'String', 'AsPlainText', 'Force'
    'Copy-Item'                    = 'LiteralPath', 'Destination', 'Force'
    'Dismount-DiskImage'           = 'ImagePath'
    'ForEach-Object'               = 'Process'
    'Format-Volume'                = 'DriveLetter', 'FileSystem', 'AllocationUnitSize', 'NewFileSystemLabel', 'Confirm'
    'Get-ADDomainController'       = 'Filter', 'Server'
    'Get-ADForest'                 = 'Server'
    'Get-ADObject'                 = 'SearchBase', 'LDAPFilter', 'Properties', 'Server'
    'Get-ADRootDSE'                = 'Server'
    'Get-AuthenticodeSignature'    = 'LiteralPath'
    'Get-ChildItem'                = 'LiteralPath', 'Recurse', 'Filter'
    'Get-CimInstance'              = 'ClassName'
    'Get-Content'                  = 'LiteralPath', 'TotalCount'
    'Get-Date'                     = @()
    'Get-Disk'                     = @()
    'Get-DiskImage'                = 'ImagePath'
    'Get-FileHash'                 = 'LiteralPath', 'Algorithm'
    'Get-Item'                     = 'LiteralPath'
    'Get-ItemProperty'             = 'LiteralPath', 'Name'
    'Get-NetFirewallRule'          = 'Name'
    'Get-Partition'                = @()
    'Get-Process'                  = 'Name'
    'Get-ScheduledTask'            = 'TaskName'
    'Get-Service'                  = 'Name'
    'Get-Volume'                   = 'DriveLetter'
    'Get-WebAppPoolState'          = 'Name'
    'Get-WebBinding'               = 'Name', 'Protocol'
    'Get-WindowsFeature'           = @()
    'Import-Module'                = 'Name'
    'Import-PSSession'             = 'Session', 'CommandName', 'AllowClobber', 'DisableNameChecking'
    'Initialize-Disk'              = 'Number', 'PartitionStyle'
    'Install-WindowsFeature'       = 'Name'
    'Invoke-CimMethod'             = 'Namespace', 'ClassName', 'MethodName'
    'Join-Path'                    = 'Path', 'ChildPath'
    'Mount-DiskImage'              = 'ImagePath'
    'Move-Item'                    = 'LiteralPath', 'Destination', 'Force'
    'New-Item'                     = 'ItemType', 'Path', 'Force'
    'New-ItemProperty'             = 'PropertyType', 'Value', 'Force'
    'New-NetFirewallRule'          = 'DisplayName'
    'New-Object'                   = 'TypeName', 'ArgumentList'
    'New-PSSession'                = 'ConfigurationName', 'ConnectionUri', 'Authentication',
        'SessionOption', 'Credential'
    'New-PSSessionOption'          = 'OpenTimeout', 'OperationTimeout', 'CancelTimeout'
    'New-Partition'                = 'DiskNumber', 'UseMaximumSize', 'DriveLetter'
    'New-ScheduledTaskAction'      = 'Execute', 'Argument'
    'New-ScheduledTaskSettingsSet' = @()
    'Out-Null'                     = @()
    'Register-ScheduledTask'       = @()
    'Remove-Item'                  = 'LiteralPath', 'Recurse', 'Force'
    'Remove-ItemProperty'          = @()
    'Remove-Module'                = 'ModuleInfo'
    'Remove-PSSession'             = 'Session'
    'Restart-Service'              = 'Name', 'Force'
    'Restart-WebAppPool'           = 'Name'
    'Select-Object'                = 'First', 'Last', 'Unique'
    'Set-ADObject'                 = 'Identity', 'Replace', 'Server', 'Confirm'
    'Set-Content'                  = 'LiteralPath', 'Value'
    'Set-Disk'                     = 'Number', 'IsOffline', 'IsReadOnly'
    'Set-NetFirewallRule'          = @()
    'Set-Partition'                = 'DiskNumber', 'PartitionNumber', 'NewDriveLetter'
    'Set-Service'                  = 'Name', 'StartupType'
    'Set-StrictMode'               = 'Version', 'Off'
    'Sort-Object'                  = 'Unique'
    'Split-Path'                   = 'Parent'
    'Start-Process'                = 'FilePath', 'ArgumentList', 'Wait', 'PassThru'
    'Start-ScheduledTask'          = 'TaskName'
    'Start-Service'                = 'Name'
    'Start-Sleep'                  = 'Milliseconds', 'Seconds'
    'Test-Path'                    = 'LiteralPath'
    'Unblock-File'                 = 'LiteralPath'
    'Unregister-ScheduledTask'     = 'TaskName', 'Confirm'
    'Where-Object'                 = 'FilterScript'
    'certutil.exe'                 = 'store'
    'icacls.exe'                   = @()
    'nltest.exe'                   = @()
    'shutdown.exe'                 = @()
    'whoami.exe'                   = @()
    # Called only on Windows Server 2019 and later, which has PowerShell 5.1.
    'Add-WindowsCapability'        = 'Online', 'Name'
    'Get-WindowsCapability'        = 'Online'
}
$Common = 'ErrorAction', 'WarningAction', 'Verbose', 'ErrorVariable'
# Cmdlet -> the number of positional arguments in 4.0. Join-Path takes three from PowerShell 6.0 on.
$Positional = @{ 'Join-Path' = 2 }
$NewVariables = 'IsWindows', 'IsLinux', 'IsMacOS', 'IsCoreCLR', 'PSStyle', 'InformationPreference', 'input'
$NewNodes = @(
    'TypeDefinitionAst'
    'UsingStatementAst'
    'TernaryExpressionAst'
    'PipelineChainAst'
    'ConfigurationDefinitionAst'
    'DynamicKeywordStatementAst'
    'BaseCtorInvokeMemberExpressionAst'
)
# Kinds of nodes that Find-NewNode checks further.
$CheckedNodes = @(
    'BinaryExpressionAst'
    'AssignmentStatementAst'
    'MemberExpressionAst'
    'InvokeMemberExpressionAst'
    'IndexExpressionAst'
    'PipelineAst'
    'NamedBlockAst'
    'ConstantExpressionAst'
    'StringConstantExpressionAst'
    'ExpandableStringExpressionAst'
    'VariableExpressionAst'
)
$Number = '^0b|^\d\S*(?<![xX][0-9a-fA-F]*)(u|y|n|us|ul|uy)$'

# Returns what the node uses of the language that is newer.
function Find-NewNode {
    [CmdletBinding()]
    param($Node)
    $kind = $Node.GetType().Name
    $text = $Node.Extent.Text
    if ($kind -in $NewNodes) { return $kind }
    if ($Node.PSObject.Properties['NullConditional'] -and $Node.NullConditional) { 'operator ?.' }
    switch ($kind) {
        { $_ -in 'BinaryExpressionAst', 'AssignmentStatementAst' } {
            if ("$($Node.Operator)" -like 'QuestionQuestion*') { 'operator ??' }
        }
        'PipelineAst' {
            if ($Node.Background) { 'background operator &' }
        }
        'InvokeMemberExpressionAst' {
            if ($Node.Static -and "$($Node.Member)" -eq 'new') { 'static method new' }
        }
        'NamedBlockAst' {
            if ("$($Node.BlockKind)" -eq 'Clean') { 'block clean' }
        }
        'ConstantExpressionAst' {
            if ($text -match $Number) { "number $text" }
        }
        { $_ -in 'StringConstantExpressionAst', 'ExpandableStringExpressionAst' } {
            $isExpanded = "$($Node.StringConstantType)" -like 'DoubleQuoted*'
            if ($isExpanded -and $text -match '`(e|u\{)') { 'escape `e or `u{}' }
        }
        'VariableExpressionAst' {
            $name = $Node.VariablePath.UserPath
            if ($name -in $NewVariables) { "variable $name" }
        }
    }
}

# Returns what is newer, or not in the list, in a call of a cmdlet. Functions are the scripts' own.
function Find-NewCommand {
    [CmdletBinding()]
    param(
        $Node,
        [hashtable] $Functions
    )
    $name = $Node.GetCommandName()
    if (-not $name -or $Functions.ContainsKey($name)) { return }
    if (-not $Known.ContainsKey($name)) { return "command $name" }
    $parameters = @($Node.CommandElements | Where-Object { $_.GetType().Name -eq 'CommandParameterAst' })
    foreach ($parameter in $parameters) {
        if ($parameter.ParameterName -notin @($Known[$name]) + $Common) {
            "parameter -$($parameter.ParameterName) of $name"
        }
    }
    $arguments = $Node.CommandElements.Count - 1
    if ($Positional.ContainsKey($name) -and $parameters.Count -eq 0 -and $arguments -gt $Positional[$name]) {
        "positional arguments of $name"
    }
}

function Get-FunctionName {
    [CmdletBinding()]
    param([System.IO.FileInfo[]] $File)
    $names = @{}
    foreach ($one in $File) {
        $tree = [System.Management.Automation.Language.Parser]::ParseFile($one.FullName, [ref] $null, [ref] $null)
        $isFunction = { $args[0] -is [System.Management.Automation.Language.FunctionDefinitionAst] }
        foreach ($function in $tree.FindAll($isFunction, $true)) { $names[$function.Name] = $true }
    }
    $names
}

$files = @(Get-ChildItem -Path $Folder -Filter '*.ps1')
$report = [ordered]@{}
$looked = @{}
foreach ($kind in $NewNodes + $CheckedNodes) { $looked[$kind] = $true }
$allFunctions = Get-FunctionName $files
foreach ($file in $files) {
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($file.FullName, [ref] $null, [ref] $errors)
    $functions = if ($file.Name -in ($Alone -split ',')) { Get-FunctionName $file } else { $allFunctions }
    $findings = @($errors | ForEach-Object { "line $($_.Extent.StartLineNumber): syntax error: $($_.Message)" })
    foreach ($node in $tree.FindAll({ $true }, $true)) {
        $kind = $node.GetType().Name
        $found = @(
            if ($looked[$kind]) { Find-NewNode $node }
            if ($kind -eq 'CommandAst') { Find-NewCommand $node $functions }
        )
        foreach ($one in $found) { $findings += "line $($node.Extent.StartLineNumber): $one" }
    }
    $report[$file.Name] = $findings
}
ConvertTo-Json -InputObject $report -Compress
