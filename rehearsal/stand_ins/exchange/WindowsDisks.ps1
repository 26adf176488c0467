# The disks of the Windows stand-in; a part of WindowsStandIn.psm1. State: disks in windows.json, each with number, lun,
# style, offline, readOnly, system and partitions (number, letter, type, fileSystem, label, unit).

function Get-DiskState {
    [CmdletBinding()]
    param(
        $State,
        [int] $Number
    )
    @($State.disks | Where-Object { $_.number -eq $Number })[0]
}

function Get-DiskDrive {
    foreach ($disk in (Read-Windows).disks) { [pscustomobject]@{
        Index           = [uint32] $disk.number
        SCSILogicalUnit = [uint16] $disk.lun
    } }
}

function Get-Disk {
    [CmdletBinding()]
    param()
    foreach ($disk in (Read-Windows).disks) {
        [pscustomobject]@{
            Number         = [uint32] $disk.number
            PartitionStyle = $disk.style
            IsOffline      = $disk.offline
            IsReadOnly     = $disk.readOnly
            IsBoot         = $disk.system
            IsSystem       = $disk.system
        }
    }
}

function Set-Disk {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [uint32] $Number,

        [bool] $IsOffline,

        [bool] $IsReadOnly
    )
    $state = Read-Windows
    $disk = Get-DiskState $state $Number
    if ($PSBoundParameters.ContainsKey('IsOffline')) { $disk.offline = $IsOffline }
    if ($PSBoundParameters.ContainsKey('IsReadOnly')) { $disk.readOnly = $IsReadOnly }
    Write-Windows $state
}

function Test-Writable {
    [CmdletBinding()]
    param(
        $Cmdlet,
        $Disk
    )
    if (-not ($Disk.offline -or $Disk.readOnly)) { return $true }
    $Cmdlet.WriteError((New-Error 'The disk is offline or read-only.' 'NotSpecified'))
    $false
}

function Initialize-Disk {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [uint32] $Number,

        [ValidateSet('GPT', 'MBR')]
        [string] $PartitionStyle = 'GPT'
    )
    $state = Read-Windows
    $disk = Get-DiskState $state $Number
    if (-not (Test-Writable $PSCmdlet $disk)) { return }
    if ($disk.style -ne 'RAW') {
        return $PSCmdlet.WriteError((New-Error 'The disk has already been initialized.' 'NotSpecified'))
    }
    $disk.style = $PartitionStyle
    if ($PartitionStyle -eq 'GPT') { $disk.partitions = @(@{
        number     = 1
        letter     = ''
        type       = 'Reserved'
        fileSystem = ''
        label      = ''
    }) }
    Write-Windows $state
}

function Get-Partition {
    [CmdletBinding()]
    param()
    foreach ($disk in (Read-Windows).disks) {
        foreach ($partition in $disk.partitions) {
            $letter = if ($partition.letter) { [char] $partition.letter } else { [char] 0 }
            [pscustomobject]@{
                DiskNumber      = [uint32] $disk.number
                PartitionNumber = [uint32] $partition.number
                DriveLetter     = $letter
                Type            = $partition.type
            }
        }
    }
}

function Test-FreeLetter {
    [CmdletBinding()]
    param(
        $Cmdlet,
        [char] $Letter
    )
    if (-not @(Get-Partition | Where-Object { $_.DriveLetter -eq $Letter })) { return $true }
    $Cmdlet.WriteError((New-Error 'The requested access path is already in use.' 'NotSpecified'))
    $false
}

function New-Partition {
    [CmdletBinding()]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSReviewUnusedParameter', 'UseMaximumSize')]
    param(
        [Parameter(Mandatory)]
        [uint32] $DiskNumber,

        [Parameter(Mandatory)]
        [switch] $UseMaximumSize,

        [Parameter(Mandatory)]
        [char] $DriveLetter
    )
    $state = Read-Windows
    $disk = Get-DiskState $state $DiskNumber
    if (-not (Test-Writable $PSCmdlet $disk) -or -not (Test-FreeLetter $PSCmdlet $DriveLetter)) { return }
    if ($disk.style -eq 'RAW') {
        return $PSCmdlet.WriteError((New-Error 'The disk has not been initialized.' 'NotSpecified'))
    }
    $number = @($disk.partitions).Count + 1
    $disk.partitions = @($disk.partitions) + @{
        number     = $number
        letter     = [string] $DriveLetter
        type       = 'Basic'
        fileSystem = ''
        label      = ''
    }
    Write-Windows $state
    [pscustomobject]@{ DiskNumber = $DiskNumber; PartitionNumber = $number; DriveLetter = $DriveLetter }
}

function Set-Partition {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [uint32] $DiskNumber,

        [Parameter(Mandatory)]
        [uint32] $PartitionNumber,

        [Parameter(Mandatory)]
        [char] $NewDriveLetter
    )
    $state = Read-Windows
    if (-not (Test-FreeLetter $PSCmdlet $NewDriveLetter)) { return }
    $partition = @((Get-DiskState $state $DiskNumber).partitions | Where-Object { $_.number -eq $PartitionNumber })[0]
    $partition.letter = [string] $NewDriveLetter
    Write-Windows $state
}

function Find-Volume {
    [CmdletBinding()]
    param(
        $State,
        [char] $Letter
    )
    @($State.disks.partitions | Where-Object { $_.letter -eq [string] $Letter })[0]
}

function Format-Volume {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory)]
        [char] $DriveLetter,

        [ValidateSet('NTFS', 'ReFS')]
        [string] $FileSystem = 'NTFS',

        [uint32] $AllocationUnitSize = 4096,

        [string] $NewFileSystemLabel = ''
    )
    if (-not $PSCmdlet.ShouldProcess("$DriveLetter")) { return }
    $state = Read-Windows
    $volume = Find-Volume $state $DriveLetter
    $volume.fileSystem, $volume.label, $volume['unit'] = $FileSystem, $NewFileSystemLabel, $AllocationUnitSize
    Write-Windows $state
    Get-Volume -DriveLetter $DriveLetter
}

function Get-Volume {
    [CmdletBinding()]
    param(
        [char] $DriveLetter,

        [Parameter(ValueFromPipeline)]
        $DiskImage
    )
    if ($DiskImage) { return Get-ImageVolume $DiskImage }
    $state = Read-Windows
    $wanted = @(
        if ($PSBoundParameters.ContainsKey('DriveLetter')) {
            Find-Volume $state $DriveLetter | Where-Object { $_ }
        } else {
            $state.disks.partitions | Where-Object { $_.type -eq 'Basic' }
        }
    )
    foreach ($volume in $wanted) {
        $letter = if ($volume.letter) { [char] $volume.letter } else { [char] 0 }
        [pscustomobject]@{ DriveLetter = $letter; FileSystem = $volume.fileSystem; FileSystemLabel = $volume.label }
    }
    if ($wanted.Count -eq 0) {
        $text = "No MSFT_Volume objects found with property 'DriveLetter' equal to '$DriveLetter'."
        $PSCmdlet.WriteError((New-Error $text))
    }
}
