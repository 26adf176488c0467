# Lists what a script uses that PowerShell 4.0 does not have: language elements, and cmdlets or parameters that are not on the list below.
# -Folder: the scripts. -Alone: the names of those that may call no function of another, with commas. Prints a JSON object: file name -> sentences.
param(
    [string] $Folder,
    [string] $Alone
)

# Of PowerShell 4.0 and the modules of Windows Server 2012 R2: what the scripts may call, with the parameters they may use.
$Known = @{
    'Get-Disk' = @(); 'Set-Disk' = 'Number', 'IsOffline', 'IsReadOnly'; 'Initialize-Disk' = 'Number', 'PartitionStyle'; 'Get-Partition' = @()
    'New-Partition' = 'DiskNumber', 'UseMaximumSize', 'DriveLetter'; 'Set-Partition' = 'DiskNumber', 'PartitionNumber', 'NewDriveLetter'
    'Format-Volume' = 'DriveLetter', 'FileSystem', 'AllocationUnitSize', 'NewFileSystemLabel', 'Confirm'; 'Get-Volume' = 'DriveLetter'
    'Add-Type' = 'AssemblyName'; 'ConvertFrom-Json' = 'InputObject'; 'ConvertTo-Json' = 'InputObject', 'Depth', 'Compress'
    'ConvertTo-SecureString' = 'String', 'AsPlainText', 'Force'; 'ForEach-Object' = 'Process'; 'Get-ChildItem' = 'LiteralPath', 'Recurse', 'Filter'
    'Get-CimInstance' = 'ClassName'; 'Get-Content' = 'LiteralPath', 'TotalCount'; 'Get-Date' = @(); 'Get-FileHash' = 'LiteralPath', 'Algorithm'
    'Get-Process' = 'Name'; 'Get-Service' = 'Name'; 'Import-Module' = 'Name'; 'Import-PSSession' = 'Session', 'CommandName', 'AllowClobber', 'DisableNameChecking'
    'Join-Path' = 'Path', 'ChildPath'; 'Move-Item' = 'LiteralPath', 'Destination'; 'New-Item' = 'ItemType', 'Path', 'Force'
    'New-Object' = 'TypeName', 'ArgumentList'; 'New-PSSession' = 'ConfigurationName', 'ConnectionUri', 'Authentication', 'SessionOption', 'Credential'
    'New-PSSessionOption' = 'OpenTimeout', 'OperationTimeout', 'CancelTimeout'; 'Out-Null' = @(); 'Remove-Item' = 'LiteralPath', 'Recurse', 'Force'
    'Remove-Module' = 'ModuleInfo'; 'Remove-PSSession' = 'Session'; 'Restart-Service' = 'Name', 'Force'; 'Select-Object' = 'Unique'
    'Set-Content' = 'LiteralPath', 'Value'; 'Set-Service' = 'Name', 'StartupType'; 'Set-StrictMode' = 'Version', 'Off'; 'Sort-Object' = 'Unique'
    'Split-Path' = 'Parent'; 'Start-Service' = 'Name'; 'Start-Sleep' = 'Milliseconds', 'Seconds'; 'Test-Path' = 'LiteralPath'; 'Where-Object' = 'FilterScript'
    'Get-WebAppPoolState' = 'Name'; 'Restart-WebAppPool' = 'Name'; 'Get-NetFirewallRule' = 'Name'; 'Set-NetFirewallRule' = @(); 'New-NetFirewallRule' = 'DisplayName'
    'icacls.exe' = @(); 'Get-ItemProperty' = 'LiteralPath', 'Name'; 'New-ItemProperty' = 'PropertyType', 'Value', 'Force'; 'Remove-ItemProperty' = @()
    # Called on Windows Server 2019 and later alone, which comes with PowerShell 5.1.
    'Get-WindowsCapability' = 'Online'; 'Add-WindowsCapability' = 'Online', 'Name'
}
$Common = 'ErrorAction', 'WarningAction', 'Verbose', 'ErrorVariable'
# Positional arguments that 4.0 takes; Join-Path with three is 6.0.
$Positional = @{ 'Join-Path' = 2 }

$newerNodes = 'TypeDefinitionAst', 'UsingStatementAst', 'TernaryExpressionAst', 'PipelineChainAst', 'ConfigurationDefinitionAst', 'DynamicKeywordStatementAst', 'BaseCtorInvokeMemberExpressionAst'
# Kinds of nodes that Find-Newer has to look into.
$telling = 'BinaryExpressionAst', 'AssignmentStatementAst', 'MemberExpressionAst', 'InvokeMemberExpressionAst', 'IndexExpressionAst', 'PipelineAst', 'NamedBlockAst', 'ConstantExpressionAst', 'StringConstantExpressionAst', 'ExpandableStringExpressionAst', 'VariableExpressionAst', 'CommandAst'

function Find-Newer($Node, $Functions) {
    $kind = $Node.GetType().Name
    if ($kind -in $newerNodes) { $kind }
    if ($kind -in 'BinaryExpressionAst', 'AssignmentStatementAst' -and "$($Node.Operator)" -like 'QuestionQuestion*') { 'operator ??' }
    if ($Node.PSObject.Properties['NullConditional'] -and $Node.NullConditional) { 'operator ?.' }
    if ($kind -eq 'PipelineAst' -and $Node.Background) { 'background operator &' }
    if ($kind -eq 'InvokeMemberExpressionAst' -and $Node.Static -and "$($Node.Member)" -eq 'new') { 'static method new' }
    if ($kind -eq 'NamedBlockAst' -and "$($Node.BlockKind)" -eq 'Clean') { 'block clean' }
    if ($kind -eq 'ConstantExpressionAst' -and $Node.Extent.Text -match '^0b|^\d\S*(?<![xX][0-9a-fA-F]*)(u|y|n|us|ul|uy)$') { "number $($Node.Extent.Text)" }
    if ($kind -in 'StringConstantExpressionAst', 'ExpandableStringExpressionAst' -and "$($Node.StringConstantType)" -like 'DoubleQuoted*' -and $Node.Extent.Text -match '`(e|u\{)') { 'escape `e or `u{}' }
    if ($kind -eq 'VariableExpressionAst' -and $Node.VariablePath.UserPath -in 'IsWindows', 'IsLinux', 'IsMacOS', 'IsCoreCLR', 'PSStyle', 'InformationPreference', 'input') { "variable $($Node.VariablePath.UserPath)" }
    if ($kind -ne 'CommandAst' -or -not $Node.GetCommandName()) { return }
    $name = $Node.GetCommandName()
    if ($Functions.ContainsKey($name)) { return }
    if (-not $Known.ContainsKey($name)) { "command $name"; return }
    $parameters = @($Node.CommandElements | Where-Object { $_ -is [System.Management.Automation.Language.CommandParameterAst] })
    foreach ($parameter in $parameters) {
        if ($parameter.ParameterName -notin @($Known[$name]) + $Common) { "parameter -$($parameter.ParameterName) of $name" }
    }
    if ($Positional.ContainsKey($name) -and $parameters.Count -eq 0 -and $Node.CommandElements.Count - 1 -gt $Positional[$name]) { "positional arguments of $name" }
}

function Get-FunctionName([System.IO.FileInfo[]] $File) {
    $names = @{}
    foreach ($one in $File) {
        $tree = [System.Management.Automation.Language.Parser]::ParseFile($one.FullName, [ref] $null, [ref] $null)
        foreach ($function in $tree.FindAll({ $args[0] -is [System.Management.Automation.Language.FunctionDefinitionAst] }, $true)) { $names[$function.Name] = $true }
    }
    $names
}

$files = @(Get-ChildItem -Path $Folder -Filter '*.ps1')
$report = [ordered]@{}
$looked = $newerNodes + $telling
foreach ($file in $files) {
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile($file.FullName, [ref] $null, [ref] $errors)
    $functions = Get-FunctionName $(if ($file.Name -in ($Alone -split ',')) { $file } else { $files })
    $findings = @($errors | ForEach-Object { "line $($_.Extent.StartLineNumber): syntax error: $($_.Message)" })
    foreach ($node in $tree.FindAll({ $true }, $true)) {
        if ($node.GetType().Name -notin $looked) { continue }
        $findings += @(Find-Newer $node $functions | ForEach-Object { "line $($node.Extent.StartLineNumber): $_" })
    }
    $report[$file.Name] = $findings
}
ConvertTo-Json -InputObject $report -Compress
