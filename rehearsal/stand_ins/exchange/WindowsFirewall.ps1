# The firewall rules of the Windows stand-in; a part of WindowsStandIn.psm1. State: firewall in windows.json, name ->
# rule.

$FirewallRuleKeys = 'DisplayName', 'Direction', 'Action', 'Protocol', 'LocalPort', 'Profile', 'Enabled'

function Write-NoSuchRule {
    [CmdletBinding()]
    param(
        $Cmdlet,
        [string] $Name
    )
    $text = "No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$Name'."
    $Cmdlet.WriteError((New-Error $text))
}

function Get-NetFirewallRule {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name
    )
    $rule = (Read-Windows).firewall[$Name]
    if ($rule) {
        [pscustomobject] $rule
    } else {
        Write-NoSuchRule $PSCmdlet $Name
    }
}

function New-NetFirewallRule {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $DisplayName,

        [string] $Name = [guid]::NewGuid().ToString(),

        [ValidateSet('Inbound', 'Outbound')]
        [string] $Direction = 'Inbound',

        [ValidateSet('Allow', 'Block')]
        [string] $Action = 'Allow',

        [string] $Protocol = 'Any',

        [string[]] $LocalPort = 'Any',

        [ValidateSet('Any', 'Domain', 'Private', 'Public')]
        [string] $Profile = 'Any',

        $Enabled = 'True'
    )
    if ((Read-Windows).firewall.ContainsKey($Name)) {
        return $PSCmdlet.WriteError((New-Error 'Cannot create a file when that file already exists.' 'ResourceExists'))
    }
    Save-FirewallRule $Name @{
        DisplayName = $DisplayName
        Direction   = $Direction
        Action      = $Action
        Protocol    = $Protocol
        LocalPort   = $LocalPort
        Profile     = $Profile
        Enabled     = $Enabled
    }
    Get-NetFirewallRule -Name $Name
}

function Set-NetFirewallRule {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name,

        [ValidateSet('Inbound', 'Outbound')]
        [string] $Direction,

        [ValidateSet('Allow', 'Block')]
        [string] $Action,

        [string] $Protocol,

        [string[]] $LocalPort,

        [ValidateSet('Any', 'Domain', 'Private', 'Public')]
        [string] $Profile,

        $Enabled
    )
    if (-not (Get-NetFirewallRule -Name $Name -ErrorAction SilentlyContinue)) {
        return Write-NoSuchRule $PSCmdlet $Name
    }
    $values = @{} + $PSBoundParameters
    foreach ($other in 'Name', 'ErrorAction') { $values.Remove($other) }
    Save-FirewallRule $Name $values
}

function Save-FirewallRule {
    [CmdletBinding()]
    param(
        [string] $Name,
        [hashtable] $Values
    )
    $enabled = if ($Values.ContainsKey('Enabled')) { $Values['Enabled'] } else { 'True' }
    if ($enabled -isnot [string] -or $enabled -notin 'True', 'False') {
        throw "Cannot convert value `"$($Values['Enabled'])`" to type `"GpoBoolean`"."
    }
    $state = Read-Windows
    if (-not $state.firewall.ContainsKey($Name)) { $state.firewall[$Name] = @{ Name = $Name } }
    foreach ($key in $Values.Keys) {
        if ($key -in $FirewallRuleKeys) {
            $state.firewall[$Name][$key] = $Values[$key]
        }
    }
    Write-Windows $state
}
