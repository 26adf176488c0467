# Reads and checks the document of Set-ClientAccessRotation.ps1.

# Returns Server, ExchangeVersion, InRotation, RejectClosedPorts, DrainSeconds, HealthSeconds, Address, Port,
# Names (service -> host names) and Credential.
function Read-RotationDocument {
    $json = Read-Document {
        param($Document)
        Get-UnknownKeyProblem $Document @(
            'server'
            'exchangeVersion'
            'inRotation'
            'rejectClosedPorts'
            'drainSeconds'
            'health'
            'credential'
        )
        Get-BooleanProblem $Document 'inRotation'
        Get-BooleanProblem $Document 'rejectClosedPorts'
        Get-NumberProblem -Name 'drainSeconds' -Value (Get-Key $Document 'drainSeconds') -Least 0 -Most 86400
        Get-HealthProblem (Get-Key $Document 'health')
    }
    [pscustomobject]@{
        Server            = $json.server
        ExchangeVersion   = $json.exchangeVersion
        InRotation        = $json.inRotation
        RejectClosedPorts = $json.rejectClosedPorts
        DrainSeconds      = $json.drainSeconds
        HealthSeconds     = $json.health.seconds
        Address           = $json.health.address
        Port              = $json.health.port
        Names             = ConvertTo-NameTable $json.health.names
        Credential        = ConvertTo-DocumentCredential (Get-Key $json 'credential')
    }
}

function Get-HealthProblem {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Health
    )
    if ($Health -isnot [System.Management.Automation.PSCustomObject]) {
        return 'health: missing; give seconds, address, port and names'
    }
    Get-UnknownKeyProblem $Health 'seconds', 'address', 'port', 'names' | ForEach-Object { "health.$_" }
    Get-NumberProblem -Name 'health.seconds' -Value (Get-Key $Health 'seconds') -Least 0 -Most 86400
    Get-NumberProblem -Name 'health.port' -Value (Get-Key $Health 'port') -Least 1 -Most 65535
    if (-not (Test-IPAddress (Get-Key $Health 'address'))) {
        'health.address: not an IP address; give the one that clients reach this server at, ' +
        'as its network adapter has it'
    }
    $names = ConvertTo-NameTable (Get-Key $Health 'names')
    if ($names.Count -eq 0) { return 'health.names: missing or empty; name at least one service' }
    $table = Get-NamespaceServiceTable -ExchangeVersion '2016'
    foreach ($service in $names.Keys) {
        if (-not $table.Contains($service)) {
            "health.names.${service}: unknown service; known are $($table.Keys -join ', ')"
            continue
        }
        if ($names[$service].Count -eq 0) {
            "health.names.${service}: missing"
            continue
        }
        foreach ($name in $names[$service]) {
            $problem = if ($null -eq $name) { 'missing' } else { Get-ValueProblem -Kind 'Hostname' -Value $name }
            if ($problem) { "health.names.${service}: $problem" }
        }
    }
}

# TryParse accepts white space after an address, and reads 127.1 and 2130706433 as addresses; this function refuses
# them.
function Test-IPAddress {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Value
    )
    $address = $null
    if ($Value -isnot [string] -or $Value -notmatch '^[0-9A-Fa-f.:]+\z') { return $false }
    if (-not [System.Net.IPAddress]::TryParse($Value, [ref] $address)) { return $false }
    $address.AddressFamily -eq 'InterNetworkV6' -or "$address" -eq $Value
}

function Get-NumberProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Name,

        [AllowNull()]
        $Value,

        [Parameter(Mandatory)]
        [int] $Least,

        [Parameter(Mandatory)]
        [int] $Most
    )
    # ConvertFrom-Json returns small whole numbers as Int32 in Windows PowerShell and as Int64 in PowerShell 7.
    $isWhole = $Value -is [int] -or $Value -is [long]
    if (-not $isWhole -or $Value -lt $Least -or $Value -gt $Most) { "${Name}: not a whole number from $Least to $Most" }
}

function ConvertTo-NameTable {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Json
    )
    $table = [ordered]@{}
    if ($Json -isnot [System.Management.Automation.PSCustomObject]) { return $table }
    foreach ($service in $Json.PSObject.Properties) { $table[$service.Name] = @($service.Value) }
    $table
}
