<#
.SYNOPSIS
Gives data disks of this Windows Server their drive letters; formats those that are empty.
.DESCRIPTION
Stands alone: an Azure managed run command sends only this file, and runs it as SYSTEM. It may run any number of times.
An empty disk becomes one volume (GPT, NTFS, units of 64 KiB). A disk with one partition, as after a rebuild of its virtual machine, gets its letter and
keeps what is on it: nothing is ever formatted but the partition that the same run has made.
Exit code 0, or 1 with the reason on standard error.
.PARAMETER Drives
LUN=LETTER, more of them after commas.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File Initialize-DataDisk.ps1 -Drives 0=F,1=G
#>
[CmdletBinding()]
param([Parameter(Mandatory = $true)] [ValidatePattern('\A\d{1,2}=[F-Z](,\d{1,2}=[F-Z])*\z')] [string] $Drives)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

$UnitBytes = 65536
$TemporaryStorage = 'Temporary Storage'

# The disk of the system and Azure's temporary one have LUNs as well, on an adapter of their own.
function Get-DataDisk {
    param([Parameter(Mandatory = $true)] [int] $Lun)
    $numbers = @(Get-CimInstance -ClassName Win32_DiskDrive | Where-Object { $_.SCSILogicalUnit -eq $Lun } | ForEach-Object { [int] $_.Index })
    $found = @(Get-Disk | Where-Object { $numbers -contains [int] $_.Number -and -not $_.IsBoot -and -not $_.IsSystem -and -not (Test-TemporaryDisk $_) })
    if ($found.Count -ne 1) { throw "Windows shows $($found.Count) data disks with LUN $Lun instead of one; on sizes with NVMe disks (v6 and later) prepare them by hand." }
    $found[0]
}

function Test-TemporaryDisk {
    param([Parameter(Mandatory = $true)] [object] $Disk)
    $letters = @(Get-Partition | Where-Object { $_.DiskNumber -eq $Disk.Number -and $_.DriveLetter -match '[A-Z]' } | ForEach-Object { [string] $_.DriveLetter })
    @(Get-Volume | Where-Object { $letters -contains [string] $_.DriveLetter -and $_.FileSystemLabel -eq $TemporaryStorage }).Count -gt 0
}

function Initialize-Drive {
    param([Parameter(Mandatory = $true)] [int] $Lun, [Parameter(Mandatory = $true)] [string] $Letter)
    $disk = Get-DataDisk -Lun $Lun
    if ($disk.IsOffline) { Set-Disk -Number $disk.Number -IsOffline $false }
    if ($disk.IsReadOnly) { Set-Disk -Number $disk.Number -IsReadOnly $false }
    $all = @(Get-Partition)
    $holder = @($all | Where-Object { [string] $_.DriveLetter -eq $Letter -and $_.DiskNumber -ne $disk.Number })
    if ($holder.Count -gt 0) { throw "The drive letter $Letter of LUN $Lun is taken by disk $($holder[0].DiskNumber)." }
    if ($disk.PartitionStyle -eq 'RAW') { Initialize-Disk -Number $disk.Number -PartitionStyle GPT }
    $own = @($all | Where-Object { $_.DiskNumber -eq $disk.Number -and $_.Type -ne 'Reserved' })
    if ($own.Count -gt 1) { throw "The disk with LUN $Lun has $($own.Count) partitions: give it no drive in the stack file, and letters by hand." }
    if ($own.Count -eq 0) {
        New-Partition -DiskNumber $disk.Number -UseMaximumSize -DriveLetter $Letter | Out-Null
        Format-Volume -DriveLetter $Letter -FileSystem NTFS -AllocationUnitSize $UnitBytes -NewFileSystemLabel "LUN $Lun" -Confirm:$false | Out-Null
    } elseif ([string] $own[0].DriveLetter -ne $Letter) {
        Set-Partition -DiskNumber $disk.Number -PartitionNumber $own[0].PartitionNumber -NewDriveLetter $Letter
    }
    $volume = Get-Volume -DriveLetter $Letter
    if (-not $volume.FileSystem) {
        throw "$Letter`: (LUN $Lun) has no file system that Windows can read. It was not formatted, as it may hold data: unlock it, or delete its partition."
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
