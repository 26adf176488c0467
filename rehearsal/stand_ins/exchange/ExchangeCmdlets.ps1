# The cmdlets of the Exchange stand-in. Each returns items for the proxy to pass on:
# @{ Stream = Output, Warning, Error or Terminating; Value = ... }.

function Out-Object {
    [CmdletBinding()]
    param($Value)
    @{ Stream = 'Output'; Value = $Value }
}

function Out-Warning {
    [CmdletBinding()]
    param([string] $Text)
    @{ Stream = 'Warning'; Value = $Text }
}

function Out-Error {
    [CmdletBinding()]
    param(
        [string] $Text,
        [string] $Stream = 'Error',
        [string] $Id = 'InvalidOperation'
    )
    $exception = New-Object System.InvalidOperationException $Text
    $record = New-Object System.Management.Automation.ErrorRecord($exception, $Id, 'InvalidOperation', $null)
    @{ Stream = $Stream; Value = $record }
}

function Out-NotFound {
    [CmdletBinding()]
    param(
        [string] $Identity,
        [string] $DomainController
    )
    Out-Error "The operation couldn't be performed because object '$Identity' couldn't be found on '$DomainController'."
}

# Runs one call of an imported function.
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
        $text = "The session $SessionId is no longer available; the command $Cmdlet cannot run."
        return Out-Error -Stream Terminating -Text $text
    }
    Add-Call $Cmdlet $Bound
    $organisation = Read-Organisation
    $dc = Get-BoundDomainController $Bound $organisation
    if ($dc -isnot [string]) { return $dc }
    $verb, $noun = $Cmdlet -split '-', 2
    $fault = if ($verb -eq 'Get') { Find-Fault (Read-Server $env:COMPUTERNAME) $Cmdlet }
    if ($fault) {
        if ($null -ne $fault.message) { Out-Error $fault.message }
        return
    }
    if ($Cmdlet -eq 'Get-ExchangeServer') {
        Get-ExchangeServerItem $Bound $dc
    } elseif ($noun -eq 'ExchangeCertificate') {
        Use-Lock $env:COMPUTERNAME { Invoke-CertificateCmdlet $verb $Bound $dc }
    } elseif ($noun -eq 'ServerComponentState') {
        if ($verb -eq 'Get') {
            Get-ComponentItem $Bound $dc
        } else {
            Use-Lock "$($Bound['Identity'])" { Set-ComponentItem $Bound $dc }
        }
    } elseif ($verb -eq 'Get') {
        Get-ObjectItem $noun $Bound $dc
    } else {
        $server = @("$($Bound['Identity'])" -split '[^A-Za-z0-9-]')[0]
        Use-Lock $server { Set-ObjectItem $noun $Bound $dc $organisation }
    }
}

# Without DomainController Exchange chooses one. The stand-in takes each in turn, so that a read misses the write before
# it.
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
    Out-Error ("The domain controller `"$dc`" is not available for use. " +
        "Please specify a different domain controller's fully qualified domain name.")
}

function Get-ExchangeServerItem {
    [CmdletBinding()]
    param(
        $Bound,
        [string] $DomainController
    )
    $hasIdentity = $Bound.ContainsKey('Identity') -and $null -ne $Bound['Identity']
    $wanted = if ($hasIdentity) { "$($Bound['Identity'])" } else { '*' }
    $found = @(Read-Servers $wanted | Where-Object { $_.name -like $wanted -or $_.fqdn -like $wanted })
    if ($found.Count -eq 0) {
        return Out-NotFound $wanted $DomainController
    }
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

# Returns the objects of all servers for an unknown identity, as Microsoft's documentation warns.
function Get-ObjectItem {
    [CmdletBinding()]
    param(
        [string] $Noun,
        $Bound,
        [string] $DomainController
    )
    if ($Bound.ContainsKey('Server')) {
        $wanted = "$($Bound['Server'])"
        $found = @(Get-Candidate $Noun $wanted | Where-Object { $wanted -in $_.Server.name, $_.Server.fqdn })
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
    $Candidate | Where-Object {
        $isPattern = $Identity.Contains('*') -and $_.Identity -like $Identity
        $isServer = $_.Identity -eq $_.Server.name -and $_.Server.fqdn -eq $Identity
        $_.Identity -eq $Identity -or $isPattern -or $isServer
    }
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
        try {
            $given[$name] = ConvertTo-BoundValue $name $kind.Set[$name] $Bound[$name]
        } catch {
            $failure = @{ Stream = 'Terminating'; Id = 'ParameterArgumentTransformationError' }
            return Out-Error @failure -Text $_.Exception.Message
        }
    }
    $identity = "$($Bound['Identity'])"
    $found = @(Select-ByIdentity @(Get-Candidate $Noun $identity) $identity)
    if ($found.Count -eq 0) {
        return Out-NotFound $identity $DomainController
    }
    if ($found.Count -gt 1) {
        return Out-Error "The operation couldn't be performed because '$identity' matches multiple entries."
    }
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
    $changed = @($values.Keys | Where-Object {
            (ConvertTo-Json $values[$_] -Compress) -cne (ConvertTo-Json $present[$_] -Compress)
        })
    if ($changed.Count -eq 0) {
        return Out-Warning ('The command completed successfully but no settings of ' +
            "'$($found[0].Identity)' have been modified.")
    }
    if (-not $fault) { Write-ServerObject $server $Organisation $DomainController $kind.Object $values }
}
