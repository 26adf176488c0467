# The rules of the Exchange stand-in: what its Set cmdlets refuse, ask and warn about, and the objects its Get cmdlets
# return.

function Get-Refusal {
    [CmdletBinding()]
    param(
        [string] $Noun,
        $Bound,
        $Given,
        $Present
    )
    if ($Bound.ContainsKey('Confirm') -and $Bound['Confirm']) { return Out-Prompt }
    switch ($Noun) {
        'WebServicesVirtualDirectory' {
            $unresolved = @('InternalUrl', 'ExternalUrl' | Where-Object {
                    $Given[$_] -and -not (Test-Resolvable ([uri] $Given[$_]).Host)
                })
            if ($unresolved.Count -gt 0 -and -not $Given['Force']) { Out-Prompt }
        }
        'MapiVirtualDirectory' {
            $hasUrl = $Given.ContainsKey('InternalUrl') -or $Given.ContainsKey('ExternalUrl')
            if ($hasUrl -and -not $Given['IISAuthenticationMethods']) {
                Out-Error ('You must specify one or more IIS authentication methods (IISAuthenticationMethods) ' +
                    'when you set InternalUrl or ExternalUrl of a MAPI virtual directory.')
            }
        }
        'OutlookAnywhere' { Get-OutlookAnywhereRefusal $Given $Present }
    }
}

function Get-OutlookAnywhereRefusal {
    [CmdletBinding()]
    param(
        $Given,
        $Present
    )
    foreach ($side in 'Internal', 'External') {
        $pair = "${side}ClientsRequireSsl", "${side}ClientAuthenticationMethod"
        if ($Given["${side}Hostname"] -and @($pair | Where-Object { -not $Given.ContainsKey($_) })) {
            return Out-Error "When you specify ${side}Hostname, you must also specify $($pair -join ' and ')."
        }
    }
    $result = $Present.Clone()
    foreach ($name in $Given.Keys) { $result[$name] = $Given[$name] }
    $isInternalPlain = -not $result['InternalClientsRequireSsl']
    $isExternalPlain = $result['ExternalHostname'] -and -not $result['ExternalClientsRequireSsl']
    if (-not $result['SSLOffloading'] -and ($isInternalPlain -or $isExternalPlain)) {
        Out-Error 'SSLOffloading must be $true when SSL is not required for internal or external clients.'
    }
}

# Fails as a question does in a non-interactive run.
function Out-Prompt {
    $failure = @{
        Stream = 'Terminating'
        Id     = 'NonInteractive'
        Text   = 'Windows PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.'
    }
    Out-Error @failure
}

function Test-Resolvable {
    [CmdletBinding()]
    param([string] $Name)
    $file = $env:EXCHANGE_STANDIN_NAMES
    $file -and (Test-Path -LiteralPath $file) -and $Name -in [System.IO.File]::ReadAllLines($file)
}

function Get-ChangeWarning {
    [CmdletBinding()]
    param(
        [string] $Noun,
        $Given,
        $Server,
        [string] $DomainController
    )
    if ($Noun -eq 'ClientAccessServer' -and $Server.version -notlike '2013*') {
        Out-Warning ('The Set-ClientAccessServer cmdlet will be removed in a future version of Exchange. ' +
            'Use the Set-ClientAccessService cmdlet instead.')
    }
    $twins = @{ OwaVirtualDirectory = @('OWA', 'ECP', 'ecp'); EcpVirtualDirectory = @('ECP', 'OWA', 'owa') }[$Noun]
    if (-not $twins) { return }
    $other = $Server.copies[$DomainController][$twins[2]]
    if (-not $other) { return }
    foreach ($name in 'InternalUrl', 'ExternalUrl') {
        if ($Given[$name] -and "$(([uri] "$($other[$name])").Host)" -ne ([uri] $Given[$name]).Host) {
            return Out-Warning (
                "You've changed the InternalURL or ExternalURL for the $($twins[0]) virtual directory. " +
                "Please make the same change for the $($twins[1]) virtual directory in the same website."
            )
        }
    }
}

# Returns an object as a remote session returns it: without methods, and with the properties that the session adds.
function New-RemoteObject {
    [CmdletBinding()]
    param(
        [string] $Type,
        $Server,
        [string] $DomainController,
        $Properties
    )
    $Properties['OriginatingServer'] = $DomainController
    $Properties['PSComputerName'] = $Server.fqdn
    $Properties['RunspaceId'] = [guid]::Empty
    $Properties['PSShowComputerName'] = $false
    $object = [pscustomobject] $Properties
    $object.PSObject.TypeNames.Insert(0, "Deserialized.Microsoft.Exchange.Data.Directory.$Type")
    $object
}

function ConvertTo-RemoteDirectory {
    [CmdletBinding()]
    param(
        [string] $Noun,
        $Candidate,
        [string] $DomainController
    )
    $kind = $ObjectKinds[$Noun]
    $stored = $Candidate.Server.copies[$DomainController][$kind.Object]
    $properties = [ordered]@{
        Identity = $Candidate.Identity
        Name     = $(if ($kind.Name) { $kind.Name } else { $Candidate.Server.name })
    }
    if ($kind.Name) {
        $properties['Server'] = $Candidate.Server.name
    } else {
        $properties['Fqdn'] = $Candidate.Server.fqdn
    }
    foreach ($name in $stored.Keys) { $properties[$name] = ConvertTo-RemoteValue $kind.Set[$name] $stored[$name] }
    if ($Noun -eq 'OutlookAnywhere' -and -not $stored['ExternalHostname']) {
        $properties['ExternalClientsRequireSsl'] = $false
    }
    New-RemoteObject "SystemConfiguration.AD$Noun" $Candidate.Server $DomainController $properties
}

function ConvertTo-RemoteValue {
    [CmdletBinding()]
    param(
        [string] $Kind,
        $Value
    )
    if ($null -eq $Value) { return $null }
    switch ($Kind) {
        'Uri' { return [uri] $Value }
        'Hostname' {
            $object = [pscustomobject]@{ HostnameString = $Value }
            $object.PSObject.TypeNames.Insert(0, 'Deserialized.Microsoft.Exchange.Data.Hostname')
            $method = @{ MemberType = 'ScriptMethod'; Name = 'ToString'; Value = { $this.HostnameString } }
            return $object | Add-Member @method -Force -PassThru
        }
        'AuthenticationMethods' { return , ([System.Collections.ArrayList] @($Value)) }
        default { return $Value }
    }
}
