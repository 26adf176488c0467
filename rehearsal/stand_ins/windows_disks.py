"""The disks that a server's Windows shows: Azure's own two, and the data disks that are attached.

They are the key `disks` of `windows.json`, which the disk cmdlets of the scripts' stand-in read and change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.script_results import FAILURE, CommandResult, FailedError
from rehearsal.stand_ins.windows_state import change_state, read_state

Disk = dict[str, Any]
FIRST_DATA_DISK = 2
UNIT_BYTES = 65536


def show_attached_disks(root: Path, luns: Mapping[str, int], contents: Mapping[str, Disk]) -> None:
    """`luns`: id of each attached disk -> its LUN. `contents`: id -> the contents of a disk from another machine."""
    known = {**contents, **contents_of_disks(root)}
    attached = [
        {**known.get(id, new_disk()), "id": id, "lun": lun, "number": number}
        for number, (id, lun) in enumerate(sorted(luns.items()), start=FIRST_DATA_DISK)
    ]
    change_state(root, disks=[*azure_disks(), *attached])


def contents_of_disks(root: Path) -> dict[str, Disk]:
    """Id of each data disk -> the disk as this Windows left it."""
    return {disk["id"]: disk for disk in read_state(root).get("disks", []) if "id" in disk}


def azure_disks() -> list[Disk]:
    """The system's disk and the temporary one. Both have LUNs, on an adapter of their own."""
    system = {**new_disk(), "number": 0, "lun": 0, "style": "GPT", "system": True}
    temporary = {**new_disk(), "number": 1, "lun": 1, "style": "MBR"}
    for disk in (system, temporary):
        disk.update(offline=False, readOnly=False)
    system["partitions"] = [new_partition(1, "C", "Windows")]
    temporary["partitions"] = [new_partition(1, "D", "Temporary Storage")]
    return [system, temporary]


def new_disk() -> Disk:
    """An empty disk as Azure attaches it. Windows Server keeps disks of a shared bus offline at first."""
    return {"style": "RAW", "offline": True, "readOnly": True, "system": False, "partitions": []}


def new_partition(number: int, letter: str, label: str) -> Disk:
    return {"number": number, "letter": letter, "type": "Basic", "fileSystem": "NTFS", "label": label}


def prepare_drives_without_powershell(drives: str, root: Path) -> CommandResult:
    """What Initialize-DataDisk.ps1 answers to `drives`: pairs LUN=LETTER with commas between them."""
    disks: list[Disk] = read_state(root).get("disks", [])
    lines = []
    try:
        for pair in drives.split(","):
            lun, _, letter = pair.partition("=")
            volume = _prepare_drive(disks, int(lun), letter)
            lines.append(f"{letter}: is LUN {lun} ({volume['fileSystem']}).\n")
    except FailedError as failure:
        error = f"A data disk could not be prepared: {failure}\n"
        return CommandResult(exit_code=failure.exit_code, output="".join(lines), error=error)
    finally:
        change_state(root, disks=disks)
    return CommandResult(exit_code=0, output="".join(lines), error="")


def _prepare_drive(disks: Sequence[Disk], lun: int, letter: str) -> Disk:
    with_this_lun = [disk for disk in disks[FIRST_DATA_DISK:] if disk["lun"] == lun]
    if len(with_this_lun) != 1:
        raise FailedError(
            FAILURE,
            f"Windows shows {len(with_this_lun)} data disks with LUN {lun} instead of one; on sizes with NVMe disks "
            "(v6 and later) prepare them by hand.",
        )
    [disk] = with_this_lun
    disk.update(offline=False, readOnly=False)
    for other in disks:
        if other is not disk and any(partition["letter"] == letter for partition in other["partitions"]):
            raise FailedError(FAILURE, f"The drive letter {letter} of LUN {lun} is taken by disk {other['number']}.")
    volumes: list[Disk] = [partition for partition in disk["partitions"] if partition["type"] != "Reserved"]
    if len(volumes) > 1:
        raise FailedError(
            FAILURE,
            f"The disk with LUN {lun} has {len(volumes)} partitions: give it no drive in the stack file, and letters "
            "by hand.",
        )
    if not volumes:
        volumes = [{**new_partition(2, letter, f"LUN {lun}"), "unit": UNIT_BYTES}]
        reserved = {**new_partition(1, "", ""), "type": "Reserved", "fileSystem": ""}
        disk.update(style="GPT", partitions=[reserved, *volumes])
    [volume] = volumes
    volume["letter"] = letter
    if not volume["fileSystem"]:
        raise FailedError(
            FAILURE,
            f"{letter}: (LUN {lun}) has no file system that Windows can read. It was not formatted, as it may hold "
            "data: unlock it, or delete its partition.",
        )
    return volume
