# Reads and checks the document of Install-ExchangeServer.ps1.

$InstallationKeys = @(
    'server'
    'exchangeVersion'
    'begin'
    'credential'
    'media'
    'roles'
    'organisationName'
    'prepareActiveDirectory'
    'targetDir'
    'extendedProtection'
    'packages'
    'serviceUri'
)

# Returns the document as ConvertFrom-Json reads it.
function Read-InstallationDocument {
    Read-Document {
        param($Document)
        Get-UnknownKeyProblem $Document $InstallationKeys
        if ($null -eq (Get-Key $Document 'credential')) {
            'credential: missing; the scheduled task needs userName and password of a domain account'
        }
        foreach ($name in 'begin', 'prepareActiveDirectory', 'extendedProtection') {
            Get-BooleanProblem $Document $name
        }
        Get-MediaKeyProblem (Get-Key $Document 'media')
        Get-RoleProblem (Get-Key $Document 'roles')
        Get-OptionalTextProblem $Document
        Get-PackageKeyProblem (Get-Key $Document 'packages')
    }
}

function Get-MediaKeyProblem {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Media
    )
    if ($Media -isnot [System.Management.Automation.PSCustomObject]) { return 'media: missing; give path or url' }
    Get-UnknownKeyProblem $Media 'path', 'url', 'sha256' | ForEach-Object { "media.$_" }
    $path = Get-Key $Media 'path'
    $url = Get-Key $Media 'url'
    $hash = Get-Key $Media 'sha256'
    if (($null -eq $path) -eq ($null -eq $url)) { 'media: give either path or url' }
    if ($null -ne $path -and "$path" -notmatch '^([A-Za-z]:[\\/]|\\\\[^\\]+\\[^\\]+)') {
        'media.path: neither a full path with a drive letter nor a UNC path'
    }
    if ($null -ne $url -and "$url" -notmatch '^https?://[^/]+/.*[^/]\z') { 'media.url: not the URL of a file' }
    if ($null -ne $url -and $null -eq $hash) { 'media.sha256: missing; a download needs it' }
    if ($null -ne $hash -and "$hash" -notmatch '^[0-9A-Fa-f]{64}\z') { 'media.sha256: not 64 hexadecimal digits' }
}

function Get-RoleProblem {
    [CmdletBinding()]
    param(
        [AllowNull()]
        [object[]] $Role
    )
    $names = @($Role | Where-Object { $null -ne $_ })
    if ($names.Count -eq 0) { return 'roles: missing or empty; give ClientAccess, Mailbox or both' }
    $names | Where-Object { $_ -notin 'ClientAccess', 'Mailbox' } | ForEach-Object {
        "roles: $_ is neither ClientAccess nor Mailbox"
    }
}

# Setup accepts an organisation name of 1 to 64 of these characters.
function Get-OptionalTextProblem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document
    )
    $forms = [ordered]@{
        organisationName = '^[A-Za-z0-9-]([A-Za-z0-9 -]{0,62}[A-Za-z0-9-])?\z'
        targetDir        = '^[A-Za-z]:\\[^"<>|?*]*[^"<>|?*\\]\z'
        serviceUri       = '^https://[^/\s]+/\S+\z'
    }
    $remedies = @{
        organisationName = 'not 1 to 64 letters A to Z, digits, hyphens and spaces between them'
        targetDir        = 'not a full path below a drive letter'
        serviceUri       = 'not an https URL'
    }
    foreach ($name in $forms.Keys) {
        $value = Get-Key $Document $name
        if ($null -ne $value -and "$value" -notmatch $forms[$name]) { "${name}: $($remedies[$name])" }
    }
}

function Get-PackageKeyProblem {
    [CmdletBinding()]
    param(
        [AllowNull()]
        $Packages
    )
    if ($null -eq $Packages) { return }
    if ($Packages -isnot [System.Management.Automation.PSCustomObject]) { return 'packages: not a table' }
    $known = @((Read-Prerequisite).packages.PSObject.Properties | ForEach-Object { $_.Name })
    Get-UnknownKeyProblem $Packages $known | ForEach-Object { "packages.$_" }
    foreach ($package in $Packages.PSObject.Properties) {
        if ("$(Get-Key $package.Value 'url')" -notmatch '^https?://[^/]+/.*[^/]\z') {
            "packages.$($package.Name).url: not the URL of a file"
        }
        if ("$(Get-Key $package.Value 'sha256')" -notmatch '^[0-9A-Fa-f]{64}\z') {
            "packages.$($package.Name).sha256: not 64 hexadecimal digits"
        }
    }
}
