<#
.SYNOPSIS
Assigns drive letters to data disks of this Windows Server, and formats the empty ones.
.DESCRIPTION
Needs no other file: an Azure managed run command sends only this one, and runs it as SYSTEM. It can run any number of
times.

An empty disk becomes one volume (GPT, NTFS, units of 64 KiB). A disk with one partition, as after a rebuild of its
virtual machine, gets its letter and keeps its data: this script formats only a partition that the same run created.

Exit code 0, or 1 with the reason on standard error.
.PARAMETER Drives
LUN=LETTER, several of them separated by commas.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File Initialize-DataDisk.ps1 -Drives 0=F,1=G
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)]
    [ValidatePattern('\A\d{1,2}=[F-Z](,\d{1,2}=[F-Z])*\z')]
    [string] $Drives
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$UnitBytes = 65536
$TemporaryStorage = 'Temporary Storage'

# The system disk and Azure's temporary disk have LUNs as well, on another adapter.
function Get-DataDisk {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [int] $Lun
    )
    $drives = @(Get-CimInstance -ClassName Win32_DiskDrive | Where-Object { $_.SCSILogicalUnit -eq $Lun })
    $numbers = @($drives | ForEach-Object { [int] $_.Index })
    $found = @(Get-Disk | Where-Object {
            $isOfSystem = $_.IsBoot -or $_.IsSystem
            $numbers -contains [int] $_.Number -and -not $isOfSystem -and -not (Test-TemporaryDisk $_)
        })
    if ($found.Count -ne 1) {
        throw "Windows shows $($found.Count) data disks with LUN $Lun instead of one; " +
        'on sizes with NVMe disks (v6 and later) prepare them by hand.'
    }
    $found[0]
}

function Test-TemporaryDisk {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [object] $Disk
    )
    $partitions = @(Get-Partition | Where-Object { $_.DiskNumber -eq $Disk.Number -and $_.DriveLetter -match '[A-Z]' })
    $letters = @($partitions | ForEach-Object { [string] $_.DriveLetter })
    $temporary = @(Get-Volume | Where-Object { $_.FileSystemLabel -eq $TemporaryStorage })
    @($temporary | Where-Object { $letters -contains [string] $_.DriveLetter }).Count -gt 0
}

function Initialize-Drive {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [int] $Lun,

        [Parameter(Mandatory)]
        [string] $Letter
    )
    $disk = Get-DataDisk -Lun $Lun
    if ($disk.IsOffline) { Set-Disk -Number $disk.Number -IsOffline $false }
    if ($disk.IsReadOnly) { Set-Disk -Number $disk.Number -IsReadOnly $false }
    $all = @(Get-Partition)
    $holder = @($all | Where-Object { [string] $_.DriveLetter -eq $Letter -and $_.DiskNumber -ne $disk.Number })
    if ($holder.Count -gt 0) { throw "The drive letter $Letter of LUN $Lun is taken by disk $($holder[0].DiskNumber)." }
    if ($disk.PartitionStyle -eq 'RAW') { Initialize-Disk -Number $disk.Number -PartitionStyle GPT }
    $own = @($all | Where-Object { $_.DiskNumber -eq $disk.Number -and $_.Type -ne 'Reserved' })
    if ($own.Count -gt 1) {
        throw "The disk with LUN $Lun has $($own.Count) partitions: " +
        'give it no drive in the stack file, and letters by hand.'
    }
    if ($own.Count -eq 0) {
        New-Partition -DiskNumber $disk.Number -UseMaximumSize -DriveLetter $Letter | Out-Null
        $format = @{
            DriveLetter        = $Letter
            FileSystem         = 'NTFS'
            AllocationUnitSize = $UnitBytes
            NewFileSystemLabel = "LUN $Lun"
            Confirm            = $false
        }
        Format-Volume @format | Out-Null
    } elseif ([string] $own[0].DriveLetter -ne $Letter) {
        Set-Partition -DiskNumber $disk.Number -PartitionNumber $own[0].PartitionNumber -NewDriveLetter $Letter
    }
    $volume = Get-Volume -DriveLetter $Letter
    if (-not $volume.FileSystem) {
        throw "$Letter`: (LUN $Lun) has no file system that Windows can read. " +
        'It was not formatted, as it may hold data: unlock it, or delete its partition.'
    }
    "$Letter`: is LUN $Lun ($($volume.FileSystem))."
}

try {
    foreach ($pair in $Drives -split ',') {
        $lun, $letter = $pair -split '='
        Initialize-Drive -Lun $lun -Letter $letter
    }
    exit 0
} catch {
    [Console]::Error.WriteLine("A data disk could not be prepared: $($_.Exception.Message)")
    exit 1
}
