"""What must hold of a server's data disks."""

from __future__ import annotations

from collections import Counter

from components.args import FarmArgs, ServerArgs
from stacks.problems import Report


def of_made_servers(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    if server.data_disks and server.existing:
        remedy = "belong to a virtual machine made here; remove them or existing: true."
        report(f"servers.{name}.dataDisks", f"{len(server.data_disks)} disks", remedy)


def unique_luns(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    unique(f"servers.{name}.dataDisks.lun", [disk.lun for disk in server.data_disks], report)


def unique_drives(_: FarmArgs, name: str, server: ServerArgs, report: Report) -> None:
    unique(f"servers.{name}.dataDisks.drive", [disk.drive for disk in server.data_disks], report)


def unique(key: str, values: list[int] | list[str | None], report: Report) -> None:
    for value, count in Counter(values).items():
        if value is not None and count > 1:
            report(key, value, "is given to more than one disk of this server; each needs its own.")
