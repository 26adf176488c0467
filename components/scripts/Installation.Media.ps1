# The phase media: the folder with Setup.exe, on a disk, on a share or in an ISO file. Nothing keeps the letter of a
# mounted image, because it may change with a restart.

$LetterSeconds = 60

# Stops for media that can be looked at now and cannot be used. A download is checked when it is there.
function Assert-MediaAtHand {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    if ($null -ne (Get-Key $Installation.Media 'path')) { Start-MediaPhase $Installation }
}

function Test-MediaPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $root = Find-MediaRoot -Installation $Installation
    if ($root) { Assert-ExchangeMedia -Installation $Installation -Root $root }
    [bool] $root
}

function Start-MediaPhase {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $root = Get-MediaRoot -Installation $Installation
    Assert-ExchangeMedia -Installation $Installation -Root $root
}

# Returns the folder of Setup.exe, and makes it accessible: downloads or copies an ISO file, and mounts it.
function Get-MediaRoot {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $root = Find-MediaRoot -Installation $Installation
    if ($root) { return $root }
    $image = Get-MediaImage -Installation $Installation
    Add-InstallationProgress -Installation $Installation -Text "mounts $image"
    try {
        Mount-DiskImage -ImagePath $image -ErrorAction Stop | Out-Null
    } catch {
        $remedy = 'See that it is an unchanged ISO file, then run this again.'
        Stop-Installation $Installation -Cause "$image cannot be mounted: $($_.Exception.Message)" -Remedy $remedy
    }
    $until = (Get-Date).AddSeconds($LetterSeconds)
    while (-not ($root = Find-MountedRoot -Image $image)) {
        if ((Get-Date) -gt $until) {
            $remedy = 'Give the mounted image a letter by hand, or unpack it and give its folder.'
            Stop-Installation $Installation -Cause "$image is mounted without a drive letter" -Remedy $remedy
        }
        Start-Sleep -Milliseconds 500
    }
    $root
}

# Returns the folder of Setup.exe if it is accessible now, or nothing.
function Find-MediaRoot {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $path = Get-Key $Installation.Media 'path'
    if ($null -ne $path -and $path -notlike '*.iso') {
        if (Test-Path -LiteralPath $path) { return $path }
        $remedy = 'Give a folder or an ISO file that the user of the stack can read on this server.'
        Stop-Installation $Installation -Cause "media.path $path does not exist" -Remedy $remedy
    }
    $image = Get-ImageFile -Installation $Installation
    if (Test-Path -LiteralPath $image) { Find-MountedRoot -Image $image }
}

# Returns the file that is mounted: a local one. Windows shows no volume for an ISO file on some shares.
function Get-ImageFile {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $path = Get-Key $Installation.Media 'path'
    if ($null -ne $path -and $path -notlike '\\*') { return $path }
    Join-Path (Join-Path $Installation.Folder 'files') 'Exchange.iso'
}

# Returns the path of the local ISO file, which has the hash of the document, if that names one.
function Get-MediaImage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $file = Get-ImageFile -Installation $Installation
    $path = Get-Key $Installation.Media 'path'
    $hash = Get-Key $Installation.Media 'sha256'
    if ($null -eq $path) {
        return Save-Download -Installation $Installation -Name 'Exchange.iso' -Url $Installation.Media.url -Sha256 $hash
    }
    if (-not (Test-Path -LiteralPath $path)) {
        $remedy = 'Give a folder or an ISO file that the user of the stack can read on this server.'
        Stop-Installation $Installation -Cause "media.path $path does not exist" -Remedy $remedy
    }
    if ($file -ne $path) { Copy-MediaImage -Installation $Installation -Source $path -File $file }
    if ($null -ne $hash -and -not (Test-FileHash -File $file -Sha256 $hash)) {
        $remedy = 'Give the hash of this file, or the right file.'
        Stop-Installation $Installation -Cause "$path does not have the SHA-256 media.sha256" -Remedy $remedy
    }
    $file
}

# Does not copy again what has the size of the source: an interrupted copy has another name.
function Copy-MediaImage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Source,

        [Parameter(Mandatory)]
        [string] $File
    )
    $isThere = Test-Path -LiteralPath $File
    if ($isThere -and (Get-Item -LiteralPath $File).Length -eq (Get-Item -LiteralPath $Source).Length) { return }
    Add-InstallationProgress -Installation $Installation -Text "copies $Source"
    New-Item -ItemType Directory -Path (Split-Path -Parent $File) -Force | Out-Null
    Copy-Item -LiteralPath $Source -Destination "$File.part" -Force
    Unblock-File -LiteralPath "$File.part"
    Move-Item -LiteralPath "$File.part" -Destination $File -Force
}

# Dismounts the image, and removes it if it was downloaded or copied.
function Clear-MediaImage {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation
    )
    $path = Get-Key $Installation.Media 'path'
    if ($null -eq $path -or $path -like '*.iso') {
        $image = Get-ImageFile -Installation $Installation
        $found = Get-DiskImage -ImagePath $image -ErrorAction SilentlyContinue
        if ($found -and $found.Attached) { Dismount-DiskImage -ImagePath $image | Out-Null }
    }
    $files = Join-Path $Installation.Folder 'files'
    if (Test-Path -LiteralPath $files) { Remove-Item -LiteralPath $files -Recurse -Force }
}

# Returns "E:\" if the image is mounted and has a letter.
function Find-MountedRoot {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $Image
    )
    $found = Get-DiskImage -ImagePath $Image -ErrorAction SilentlyContinue
    if (-not $found -or -not $found.Attached) { return }
    $letter = $found | Get-Volume -ErrorAction SilentlyContinue | ForEach-Object { [string] $_.DriveLetter }
    if ($letter -match '^[A-Z]\z') { "${letter}:\" }
}

# The media of Windows has a Setup.exe as well.
function Assert-ExchangeMedia {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Installation,

        [Parameter(Mandatory)]
        [string] $Root
    )
    $release = $Installation.Release
    $remedy = "Give the media of $($release.name), $($release.oldest) or newer."
    $setup = Join-Path $Root 'Setup.exe'
    foreach ($file in $setup, (Join-Path $Root 'ExchangeServer.msi')) {
        if (-not (Test-Path -LiteralPath $file)) {
            Stop-Installation $Installation -Cause "$Root is not Exchange media: $file is missing" -Remedy $remedy
        }
    }
    Assert-MicrosoftSignature -Installation $Installation -File $setup
    $text = "$((Get-Item -LiteralPath $setup).VersionInfo.ProductVersion)"
    $version = $text -as [version]
    if (-not $version -or $version -lt [version] $release.least -or $version -ge [version] $release.below) {
        $cause = "$setup has version $text, which is not $($release.name) from $($release.least) on"
        Stop-Installation $Installation -Cause $cause -Remedy $remedy
    }
}
