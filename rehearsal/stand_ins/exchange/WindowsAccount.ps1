# The account that runs, and the site of this computer; a part of WindowsStandIn.psm1. State: groups and sites in
# directory.json of the organisation.

# The end of a group's SID below its domain's. A group's name differs between the languages of Windows.
$GroupEnds = @{
    'Domain Admins'           = 512
    'Schema Admins'           = 518
    'Enterprise Admins'       = 519
    'Organization Management' = 1118
}

function Read-DirectoryState {
    $file = if ($OrganisationFolder) { Join-Path $OrganisationFolder 'directory.json' }
    if ($file -and (Test-Path -LiteralPath $file)) { Read-Json $file }
}

# Accepts the form that lists the groups of the account as CSV without a header.
function whoami.exe {
    if ("$args" -ne '/groups /fo csv /nh') {
        $global:LASTEXITCODE = 1
        return "ERROR: Invalid argument/option - '$args'."
    }
    $global:LASTEXITCODE = 0
    '"BUILTIN\Administrators","Alias","S-1-5-32-544","Enabled by default, Enabled group, Group owner"'
    $state = Read-DirectoryState
    if (-not $state) { return }
    $groups = @($state.groups["$env:USERDOMAIN\$env:USERNAME".ToLowerInvariant()])
    foreach ($name in $groups | Where-Object { $_ }) {
        "`"$env:USERDOMAIN\$name`",`"Group`",`"S-1-5-21-1-2-3-$($GroupEnds[$name])`",`"Enabled group`""
    }
}

# Accepts the form that prints this computer's site.
function nltest.exe {
    $state = Read-DirectoryState
    $global:LASTEXITCODE = 1
    if ("$args" -ne '/dsgetsite') { return 'Usage: nltest [/OPTIONS]' }
    if (-not $state) { return 'Getting DC name failed: Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN' }
    $name = $env:COMPUTERNAME.ToUpperInvariant()
    $site = if ($state.sites.ContainsKey($name)) { $state.sites[$name] } else { 'Default-First-Site-Name' }
    if (-not $site) { return 'Getting DC name failed: Status = 1919 0x77f ERROR_NO_SITENAME' }
    $global:LASTEXITCODE = 0
    $site
    'The command completed successfully'
}
