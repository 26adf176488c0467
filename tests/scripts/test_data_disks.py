"""Initialize-DataDisk.ps1 on the Windows stand-in: nothing that may hold data is ever formatted."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from rehearsal.stand_ins.windows_disks import prepare_drives_without_powershell
from tests.scripts.servers import SCRIPTS, Outcome, Servers

SCRIPT = SCRIPTS / "Initialize-DataDisk.ps1"
Disk = dict[str, Any]


def disk(number: int, lun: int, *partitions: Disk, style: str = "GPT", **other: Any) -> Disk:
    state = {"number": number, "lun": lun, "style": style, "offline": False, "readOnly": False, "system": False}
    return state | {"partitions": list(partitions)} | other


def partition(number: int, letter: str, label: str, *, file_system: str = "NTFS", type: str = "Basic") -> Disk:
    return {"number": number, "letter": letter, "type": type, "fileSystem": file_system, "label": label}


# Azure's own two have LUNs as well.
SYSTEM = disk(0, 0, partition(1, "C", "Windows"), system=True)
TEMPORARY = disk(1, 1, partition(1, "D", "Temporary Storage"), style="MBR")
EMPTY = disk(2, 0, style="RAW", offline=True, readOnly=True)
FILLED = disk(3, 1, partition(1, "", "", type="Reserved", file_system=""), partition(2, "", "Databases"))


def prepare(servers: Servers, drives: str, *disks: Disk) -> Outcome:
    if disks:
        servers.windows("ex1", disks=[SYSTEM, TEMPORARY, *disks])
    return servers.run(SCRIPT, None, "-Drives", drives)


def disks_of(servers: Servers) -> list[Disk]:
    found: list[Disk] = json.loads((servers.root("ex1") / "windows.json").read_text(encoding="utf-8"))["disks"]
    return found


def test_an_empty_disk_is_formatted_and_one_that_holds_data_gets_its_letter(servers: Servers) -> None:
    first = prepare(servers, "0=F,1=G", EMPTY, FILLED)
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout.splitlines() == ["F: is LUN 0 (NTFS).", "G: is LUN 1 (NTFS)."]
    system, temporary, empty, filled = disks_of(servers)
    assert (system, temporary) == (SYSTEM, TEMPORARY)
    volume = partition(2, "F", "LUN 0") | {"unit": 65536}
    assert [part for part in empty["partitions"] if part["type"] == "Basic"] == [volume]
    assert filled["partitions"] == [FILLED["partitions"][0], partition(2, "G", "Databases")]
    before = disks_of(servers)
    assert prepare(servers, "0=F,1=G").stdout == first.stdout
    assert disks_of(servers) == before


UNPREPARED = [
    ("0=F", [disk(2, 0, partition(1, "F", "", file_system=""))], "no file system that Windows can read"),
    ("0=F", [disk(2, 0, style="RAW"), disk(3, 5, partition(1, "F", "Tools"))], "taken by disk 3"),
    ("0=F", [disk(2, 0, partition(1, "G", "One"), partition(2, "H", "Two"))], "has 2 partitions"),
    ("4=F", [disk(2, 0, style="RAW")], "Windows shows 0 data disks with LUN 4"),
]


@pytest.mark.parametrize(("drives", "disks", "said"), UNPREPARED)
def test_a_disk_that_cannot_be_prepared_stays_as_it_is(
    servers: Servers, drives: str, disks: list[Disk], said: str
) -> None:
    outcome = prepare(servers, drives, *copy.deepcopy(disks))
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith("A data disk could not be prepared: ")
    assert said in outcome.stderr
    assert disks_of(servers) == [SYSTEM, TEMPORARY, *disks]


@pytest.mark.parametrize(
    ("drives", "disks"),
    [("0=F,1=G", [EMPTY, FILLED]), *((drives, disks) for drives, disks, _ in UNPREPARED)],
)
def test_the_stand_in_without_powershell_prepares_drives_as_the_script_does(
    servers: Servers, drives: str, disks: list[Disk]
) -> None:
    outcome = prepare(servers, drives, *copy.deepcopy(disks))
    after = disks_of(servers)
    servers.windows("ex1", disks=copy.deepcopy([SYSTEM, TEMPORARY, *disks]))
    result = prepare_drives_without_powershell(drives, servers.root("ex1"))
    assert (result.exit_code, result.output, result.error) == (outcome.exit_code, outcome.stdout, outcome.stderr)
    if outcome.exit_code == 0:
        assert disks_of(servers) == after
