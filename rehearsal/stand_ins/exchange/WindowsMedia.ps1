# Drives, shares and mounted images of the Windows stand-in; a part of WindowsStandIn.psm1. State in windows.json:
# shares (UNC path -> folder), mounts (image -> letter, looks). An image is a zip file. Its letter comes with the second
# look and is another one after a restart, which ends the mount.

# Drive C:, and those of mounted images, for this process.
function Add-Drive {
    [CmdletBinding()]
    param()
    $drives = $ExecutionContext.SessionState.Drive
    $provider = $ExecutionContext.SessionState.Provider.GetOne('FileSystem')
    $letters = @('C') + @((Read-Windows).mounts.Values | ForEach-Object { $_.letter })
    foreach ($letter in $letters) {
        $root = Join-Path $env:EXCHANGE_STANDIN_ROOT $letter
        $isThere = $letter -in @($drives.GetAll() | ForEach-Object { $_.Name })
        if ($isThere -or -not [System.IO.Directory]::Exists($root)) { continue }
        $drive = New-Object System.Management.Automation.PSDriveInfo($letter, $provider, $root, '', $null)
        $null = $drives.New($drive, 'Global')
    }
}

# Returns the file here. A logon with an SSH key has no credential for a share.
function Resolve-File {
    [CmdletBinding()]
    param([string] $Path)
    $plain = $Path.Replace('\', '/')
    if ($plain -match '\A([A-Za-z]):/(.*)\z') {
        return [System.IO.Path]::Combine($env:EXCHANGE_STANDIN_ROOT, $Matches[1].ToUpperInvariant(), $Matches[2])
    }
    if (-not $plain.StartsWith('//')) { return $Path }
    $shares = if ($env:EXCHANGE_STANDIN_LOGON -eq 'password') { (Read-Windows).shares } else { @{} }
    foreach ($share in $shares.Keys) {
        $root = $share.Replace('\', '/')
        if (-not "$plain/".StartsWith("$root/", 'OrdinalIgnoreCase')) { continue }
        return $shares[$share] + $plain.Substring($root.Length)
    }
    '/no-such-share'
}

function Test-Path {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath
    )
    if ($LiteralPath -like 'HKLM:*') { return Test-RegistryKey $LiteralPath }
    $file = Resolve-File $LiteralPath
    [System.IO.File]::Exists($file) -or [System.IO.Directory]::Exists($file)
}

function Get-Item {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath
    )
    $item = Microsoft.PowerShell.Management\Get-Item -LiteralPath (Resolve-File $LiteralPath)
    if ($item.Name -ne 'Setup.exe') { return $item }
    $version = [pscustomobject]@{ ProductVersion = (Read-SignedFile $LiteralPath)['version'] }
    [pscustomobject]@{ FullName = $LiteralPath; Length = $item.Length; VersionInfo = $version }
}

function Copy-Item {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $LiteralPath,

        [Parameter(Mandatory)]
        [string] $Destination,

        [switch] $Force
    )
    Wait-Hold 'Copy-Item'
    $copy = @{ LiteralPath = Resolve-File $LiteralPath; Destination = Resolve-File $Destination; Force = $Force }
    Microsoft.PowerShell.Management\Copy-Item @copy
}

function Mount-DiskImage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $ImagePath
    )
    $state = Read-Windows
    $image = Resolve-File $ImagePath
    if ($state.mounts.ContainsKey($image)) {
        $text = 'The process cannot access the file because it is being used by another process.'
        return $PSCmdlet.WriteError((New-Error $text 'ResourceBusy'))
    }
    $letter = [string] [char] ([int] [char] 'E' + $state.boots % 8)
    $root = Join-Path $env:EXCHANGE_STANDIN_ROOT $letter
    if ([System.IO.Directory]::Exists($root)) { [System.IO.Directory]::Delete($root, $true) }
    try {
        [System.IO.Compression.ZipFile]::ExtractToDirectory($image, $root)
    } catch {
        return $PSCmdlet.WriteError((New-Error 'The disc image file is corrupted.' 'InvalidData'))
    }
    Edit-Windows { param($State) $State.mounts[$image] = @{ letter = $letter; looks = 1 } }
    Add-Drive
    Get-DiskImage -ImagePath $ImagePath
}

function Dismount-DiskImage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $ImagePath
    )
    $image = Resolve-File $ImagePath
    $mount = (Read-Windows).mounts[$image]
    if (-not $mount) { return }
    [System.IO.Directory]::Delete((Join-Path $env:EXCHANGE_STANDIN_ROOT $mount.letter), $true)
    Edit-Windows { param($State) $State.mounts.Remove($image) }
}

function Get-DiskImage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $ImagePath
    )
    $image = Resolve-File $ImagePath
    if (-not [System.IO.File]::Exists($image)) {
        return $PSCmdlet.WriteError((New-Error 'The system cannot find the file specified.'))
    }
    [pscustomobject]@{ ImagePath = $ImagePath; Attached = (Read-Windows).mounts.ContainsKey($image) }
}

function Get-ImageVolume {
    [CmdletBinding()]
    param($Volume)
    $image = Resolve-File $Volume.ImagePath
    $mount = (Read-Windows).mounts[$image]
    if (-not $mount) { return }
    $letter = if ($mount.looks -gt 0) { [char] 0 } else { [char] $mount.letter }
    if ($mount.looks -gt 0) { Edit-Windows { param($State) $State.mounts[$image].looks-- } }
    [pscustomobject]@{ DriveLetter = $letter; FileSystem = 'UDF'; FileSystemLabel = 'EXCHANGE' }
}
