# What the Exchange cmdlets do. Each returns items @{ Stream = Output | Warning | Error | Terminating; Value = … } for the proxy to pass on.

function Out-Object { [CmdletBinding()]
param($Value) @{ Stream = 'Output'; Value = $Value } }
function Out-Warning { [CmdletBinding()]
param([string] $Text) @{ Stream = 'Warning'; Value = $Text } }

function Out-Error {
    [CmdletBinding()]
    param(
        [string] $Text,
        [string] $Stream = 'Error',
        [string] $Id = 'InvalidOperation'
    )
    $record = New-Object System.Management.Automation.ErrorRecord((New-Object System.InvalidOperationException $Text), $Id, 'InvalidOperation', $null)
    @{ Stream = $Stream; Value = $record }
}

# One call through an imported function.
function Invoke-Proxied {
    [CmdletBinding()]
    param(
        [string] $Cmdlet,
        [int] $SessionId,
        $Bound
    )
    $session = $Sessions[$SessionId]
    if ($session -and $session.WebSite -ne (Get-WebSiteRestart)) { $session.State = 'Broken' }
    if (-not $session -or $session.State -ne 'Opened') {
        return Out-Error -Stream Terminating -Text "The session $SessionId is no longer available; the command $Cmdlet cannot run."
    }
    Add-Call $Cmdlet $Bound
    $organisation = Read-Organisation
    $dc = Get-BoundDomainController $Bound $organisation
    if ($dc -isnot [string]) { return $dc }
    $verb, $noun = $Cmdlet -split '-', 2
    $fault = if ($verb -eq 'Get') { Find-Fault (Read-Server $env:COMPUTERNAME) $Cmdlet }
    if ($fault) { if ($null -ne $fault.message) { Out-Error $fault.message }; return }
    if ($Cmdlet -eq 'Get-ExchangeServer') {
        Get-ExchangeServerItem $Bound $dc
    } elseif ($noun -eq 'ServerComponentState') {
        if ($verb -eq 'Get') { Get-ComponentItem $Bound $dc } else { Use-Lock "$($Bound['Identity'])" { Set-ComponentItem $Bound $dc } }
    } elseif ($verb -eq 'Get') {
        Get-ObjectItem $noun $Bound $dc
    } else {
        Use-Lock "$(("$($Bound['Identity'])" -split '[^A-Za-z0-9-]')[0])" { Set-ObjectItem $noun $Bound $dc $organisation }
    }
}

# Unless it is told, Exchange reads and writes where it likes: here at each domain controller in turn, so that what was just written is
# not there when it is read.
$Turn = 0

function Get-BoundDomainController {
    [CmdletBinding()]
    param(
        $Bound,
        $Organisation
    )
    if (-not $Bound.ContainsKey('DomainController')) {
        $script:Turn = ($Turn + 1) % @($Organisation.domainControllers).Count
        return $Organisation.domainControllers[$Turn]
    }
    $dc = "$($Bound['DomainController'])"
    if ($dc -in $Organisation.domainControllers) { return $dc }
    Out-Error "The domain controller `"$dc`" is not available for use. Please specify a different domain controller's fully qualified domain name."
}

function Get-ExchangeServerItem {
    [CmdletBinding()]
    param(
        $Bound,
        [string] $DomainController
    )
    $wanted = if ($Bound.ContainsKey('Identity') -and $null -ne $Bound['Identity']) { "$($Bound['Identity'])" } else { '*' }
    $found = @(Read-Servers $wanted | Where-Object { $_.name -like $wanted -or $_.fqdn -like $wanted })
    if ($found.Count -eq 0) { return Out-Error "The operation couldn't be performed because object '$wanted' couldn't be found on '$DomainController'." }
    foreach ($server in $found) {
        Out-Object (New-RemoteObject 'Management.ExchangeServer' $server $DomainController ([ordered]@{
            Identity             = $server.name
            Name                 = $server.name
            Fqdn                 = $server.fqdn
            AdminDisplayVersion  = $server.adminDisplayVersion
            IsClientAccessServer = $true
        }))
    }
}

# An identity that does not exist returns the objects of all servers, as Microsoft's pages warn.
function Get-ObjectItem {
    [CmdletBinding()]
    param(
        [string] $Noun,
        $Bound,
        [string] $DomainController
    )
    if ($Bound.ContainsKey('Server')) {
        $found = @(Get-Candidate $Noun "$($Bound['Server'])" | Where-Object { "$($Bound['Server'])" -in $_.Server.name, $_.Server.fqdn })
    } else {
        $found = @(Select-ByIdentity @(Get-Candidate $Noun "$($Bound['Identity'])") "$($Bound['Identity'])")
        if ($found.Count -eq 0) { $found = @(Get-Candidate $Noun '') }
    }
    foreach ($candidate in $found) { Out-Object (ConvertTo-RemoteDirectory $Noun $candidate $DomainController) }
}

function Get-Candidate {
    [CmdletBinding()]
    param(
        [string] $Noun,
        [string] $Identity
    )
    $kind = $ObjectKinds[$Noun]
    foreach ($server in @(Read-Servers $Identity)) {
        $copy = @($server.copies.Values)[0]
        if (-not $copy.ContainsKey($kind.Object)) { continue }
        @{
            Server   = $server
            Identity = $(if ($kind.Name) { "$($server.name)\$($kind.Name)" } else { $server.name })
        }
    }
}

function Select-ByIdentity {
    [CmdletBinding()]
    param(
        $Candidate,
        [string] $Identity
    )
    if ($Identity -eq '') { return }
    $Candidate | Where-Object { $_.Identity -eq $Identity -or ($Identity.Contains('*') -and $_.Identity -like $Identity) -or ($_.Identity -eq $_.Server.name -and $_.Server.fqdn -eq $Identity) }
}

function Set-ObjectItem {
    [CmdletBinding()]
    param(
        [string] $Noun,
        $Bound,
        [string] $DomainController,
        $Organisation
    )
    $kind = $ObjectKinds[$Noun]
    $given = @{}
    foreach ($name in @($Bound.Keys | Where-Object { $kind.Set.Contains($_) })) {
        try { $given[$name] = ConvertTo-BoundValue $name $kind.Set[$name] $Bound[$name] } catch { return Out-Error -Stream Terminating -Id 'ParameterArgumentTransformationError' -Text $_.Exception.Message }
    }
    $identity = "$($Bound['Identity'])"
    $found = @(Select-ByIdentity @(Get-Candidate $Noun $identity) $identity)
    if ($found.Count -eq 0) { return Out-Error "The operation couldn't be performed because object '$identity' couldn't be found on '$DomainController'." }
    if ($found.Count -gt 1) { return Out-Error "The operation couldn't be performed because '$identity' matches multiple entries." }
    $server = $found[0].Server
    $present = $server.copies[$DomainController][$kind.Object]

    $refusal = Get-Refusal $Noun $Bound $given $present
    if ($refusal) { return $refusal }
    $fault = Find-Fault $server "Set-$Noun"
    if ($fault -and $null -ne $fault.message) { return Out-Error $fault.message }
    if ($Bound.ContainsKey('WhatIf') -and $Bound['WhatIf']) { return }
    Get-ChangeWarning $Noun $given $server $DomainController
    $values = @{}
    foreach ($name in $given.Keys) { if ($present.ContainsKey($name)) { $values[$name] = $given[$name] } }
    $changed = @($values.Keys | Where-Object { (ConvertTo-Json $values[$_] -Compress) -cne (ConvertTo-Json $present[$_] -Compress) })
    if ($changed.Count -eq 0) { return Out-Warning "The command completed successfully but no settings of '$($found[0].Identity)' have been modified." }
    if (-not $fault) { Write-ServerObject $server $Organisation $DomainController $kind.Object $values }
}
