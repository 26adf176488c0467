# The state of the organisation, in JSON files that outlive the process. A write replaces the whole file, so reading
# needs no lock. A read before a write needs the lock of that name.

$OrganisationFolder = $env:EXCHANGE_STANDIN_ORGANISATION

function Use-Lock {
    [CmdletBinding()]
    param(
        [string] $Name,
        [scriptblock] $Body
    )
    if (-not $Name) { $Name = 'organisation' }
    $until = (Get-Date).AddSeconds(30)
    $file = Join-Path $OrganisationFolder 'locks' $Name.ToUpperInvariant()
    $lock = $null
    while (-not $lock) {
        try {
            $lock = [System.IO.File]::Open($file, 'OpenOrCreate', 'ReadWrite', 'None')
        } catch [System.IO.IOException] {
            if ((Get-Date) -gt $until) { throw }
            Start-Sleep -Milliseconds 20
        }
    }
    try {
        & $Body
    } finally {
        $lock.Dispose()
    }
}

function Read-Json {
    [CmdletBinding()]
    param([string] $Path)
    ConvertFrom-Json -InputObject ([System.IO.File]::ReadAllText($Path)) -AsHashtable
}

function Write-Json {
    [CmdletBinding()]
    param(
        [string] $Path,
        $State
    )
    [System.IO.File]::WriteAllText("$Path.new", (ConvertTo-Json -InputObject $State -Depth 20))
    [System.IO.File]::Move("$Path.new", $Path, $true)
}

# The state of this server's Windows. Keys that the file lacks are as on a new Windows Server 2019.
$WindowsFile = Join-Path $env:EXCHANGE_STANDIN_ROOT 'windows.json'

function Read-Windows {
    $state = @{
        build            = 17763
        processes        = @()
        capability       = 'NotPresent'
        firewall         = @{}
        registry         = @{}
        services         = @{}
        recycledAppPools = @{}
        w3svcRestarts    = 0
        disks            = @()
        features         = @{}
        pendingMarks     = @()
        arriving         = @{}
        tasks            = @{}
        shares           = @{}
        mounts           = @{}
        boots            = 0
        refusedSessions  = 0
    }
    if (Test-Path -LiteralPath $WindowsFile) {
        $kept = Read-Json $WindowsFile
        foreach ($key in $kept.Keys) { $state[$key] = $kept[$key] }
    }
    $state
}

function Write-Windows {
    [CmdletBinding()]
    param($State)
    Write-Json $WindowsFile $State
}

# Sessions run through the web site: its restart ends them, and the next ones are refused, as many as refusedSessions
# says.
function Get-WebSiteRestart { (Read-Windows).w3svcRestarts }

function Use-RefusedSession {
    $state = Read-Windows
    if ($state.w3svcRestarts -eq 0 -or $state.refusedSessions -eq 0) { return $false }
    $state.refusedSessions--
    Write-Windows $state
    $true
}

function Read-Organisation { Read-Json (Join-Path $OrganisationFolder 'organisation.json') }

function Write-Organisation {
    [CmdletBinding()]
    param($State)
    Write-Json (Join-Path $OrganisationFolder 'organisation.json') $State
}

function Get-ServerFile {
    [CmdletBinding()]
    param([string] $Name)
    Join-Path $OrganisationFolder 'servers' "$($Name.ToUpperInvariant()).json"
}

# Returns the servers that a name (computer name, FQDN or directory identity) can mean, in their replicated state: the
# server of that name, else all servers, sorted.
function Read-Servers {
    [CmdletBinding()]
    param([string] $Name)
    $own = if ($Name -match '^([^\\.*]+)') { Read-Server $Matches[1] }
    if ($own) { return $own }
    $files = Get-ChildItem -Path (Join-Path $OrganisationFolder 'servers') -Filter '*.json' | Sort-Object -Property Name
    $files | ForEach-Object { Read-Server $_.BaseName }
}

function Read-Server {
    [CmdletBinding()]
    param([string] $Name)
    $file = Get-ServerFile $Name
    if (-not (Test-Path -LiteralPath $file)) { return $null }
    $server = Read-Json $file
    $now = [System.DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds() / 1000
    $waiting = @()
    foreach ($change in @($server.pending)) {
        if ($change.due -gt $now) {
            $waiting += $change
            continue
        }
        foreach ($property in $change.values.Keys) {
            $server.copies[$change.to][$change.object][$property] = $change.values[$property]
        }
    }
    $server.pending = $waiting
    $server
}

# Writes to one domain controller. The others get the values when replication is due.
function Write-ServerObject {
    [CmdletBinding()]
    param(
        $Server,
        $Organisation,
        [string] $DomainController,
        [string] $Object,
        $Values
    )
    foreach ($property in $Values.Keys) { $Server.copies[$DomainController][$Object][$property] = $Values[$property] }
    $due = [System.DateTimeOffset]::UtcNow.ToUnixTimeMilliseconds() / 1000 + $Organisation.replicationSeconds
    foreach ($other in @($Organisation.domainControllers | Where-Object { $_ -ne $DomainController })) {
        $Server.pending = @($Server.pending) + @{
            due    = $due
            to     = $other
            object = $Object
            values = $Values
        }
    }
    Write-Json (Get-ServerFile $Server.name) $Server
}

# Returns the fault that a test set for a cmdlet on this server, or $null. A fault without a message makes the cmdlet do
# nothing and print nothing.
function Find-Fault {
    [CmdletBinding()]
    param(
        $Server,
        [string] $Cmdlet
    )
    if (-not $Server -or -not $Server.faults.ContainsKey($Cmdlet)) { return $null }
    $fault = $Server.faults[$Cmdlet]
    if ($fault.after -gt 0) {
        $lines = [System.IO.File]::ReadAllLines((Get-CallLog))
        $calls = @($lines | Where-Object { $_.Contains("`"cmdlet`":`"$Cmdlet`"") })
        if ($calls.Count -le $fault.after) { return $null }
    }
    $fault
}

function Get-CallLog { Join-Path $OrganisationFolder 'calls' "$env:COMPUTERNAME.jsonl" }

function Add-Call {
    [CmdletBinding()]
    param(
        [string] $Cmdlet,
        $Parameters
    )
    $plain = [ordered]@{}
    foreach ($name in $Parameters.Keys) { $plain[$name] = ConvertTo-LoggedValue $Parameters[$name] }
    $now = [System.DateTimeOffset]::UtcNow.Ticks
    $line = ConvertTo-Json -InputObject ([ordered]@{
        time       = $now
        server     = $env:COMPUTERNAME
        cmdlet     = $Cmdlet
        parameters = $plain
    }) -Compress -Depth 4
    Use-Lock "calls-$env:COMPUTERNAME" { [System.IO.File]::AppendAllText((Get-CallLog), "$line`n") }
}

function ConvertTo-LoggedValue {
    [CmdletBinding()]
    param($Value)
    if ($null -eq $Value -or $Value -is [bool] -or $Value -is [int]) { return $Value }
    if ($Value -is [switch]) { return [bool] $Value }
    if ($Value -is [pscredential]) { return $Value.UserName }
    if ($Value -is [byte[]]) { return "$($Value.Length) bytes" }
    if ($Value -is [System.Collections.IEnumerable] -and $Value -isnot [string]) {
        return , @($Value | ForEach-Object { "$_" })
    }
    "$Value"
}
