# Reads and compares the settings of services.

# Reads the named services into a table: service -> setting -> plain value. Leaves out services that this build of
# Exchange does not have. Returns a sentence for each service that could not be read.
function Read-Namespace {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Name,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Into
    )
    foreach ($service in $Exchange.Services.Keys) {
        if ($service -notin $Name) { continue }
        try {
            $Into[$service] = Read-ServiceSetting -Exchange $Exchange -Service $Exchange.Services[$service]
        } catch {
            $failure = @{
                Subject = $service
                Cause   = $_.Exception.Message
                Remedy  = "Fix the cause until $($Exchange.Services[$service].Getter) shows it, then run this again; " +
                'or leave the service out in the stack file ' +
                "(namespace.services.$service.enabled: false)."
            }
            Get-FailureText @failure
        }
    }
}

function Assert-NoProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Message,

        [AllowNull()]
        [AllowEmptyCollection()]
        [string[]] $Problem
    )
    if (@($Problem | Where-Object { $_ }).Count -gt 0) { Stop-Run ("$Message`n  " + ($Problem -join "`n  ")) }
}

function Read-ServiceSetting {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Service
    )
    $object = Get-OwnObject -Exchange $Exchange -Service $Service
    $values = [ordered]@{}
    foreach ($setting in $Service.Settings.Keys) {
        $property = $object.PSObject.Properties[$setting]
        if (-not $property) { Stop-Run "$($Service.Getter) returned no property $setting" }
        $kind = $Service.Settings[$setting]
        $value = ConvertTo-PlainValue -Kind $kind -Value $property.Value
        Add-ReportedValue -Target $values -Key $setting -Kind $kind -Value $value
    }
    $values
}

function Get-ObjectIdentity {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Service
    )
    if ($Service.Object) { "$($Exchange.Server)\$($Service.Object)" } else { $Exchange.Server }
}

# Returns this server's object. For an unknown identity the Get cmdlets return the objects of all servers, so any answer
# but this one object stops the run.
function Get-OwnObject {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Service
    )
    $identity = Get-ObjectIdentity -Exchange $Exchange -Service $Service
    $objects = @(Invoke-ExchangeCmdlet $Service.Getter @{
        Identity         = $identity
        DomainController = $Exchange.DomainController
    })
    $key = if ($Service.Object) { 'Identity' } else { 'Name' }
    $returned = @($objects | ForEach-Object { "$($_.$key)" }) -join '; '
    if ($objects.Count -ne 1 -or $returned -ne $identity) {
        Stop-Run (
            "$($Service.Getter) did not find exactly one object `"$identity`"; " +
            "it returned $($objects.Count): $returned"
        )
    }
    $objects[0]
}

# Returns the names of the settings that are not as expected.
function Get-DifferentSetting {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Service,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Expected,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Present
    )
    foreach ($setting in $Expected.Keys) {
        $expectedValue = ConvertTo-PlainValue -Kind $Service.Settings[$setting] -Value $Expected[$setting]
        if (-not (Test-SameValue $expectedValue $Present[$setting])) { $setting }
    }
}
