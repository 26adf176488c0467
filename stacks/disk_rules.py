"""What must hold of the data disks of a stack file."""

from __future__ import annotations

from collections import Counter

from components.args import FarmArgs
from stacks.reading import Report
from stacks.server_rules import servers_of


def data_disks(farm: FarmArgs, report: Report) -> None:
    for name, server in servers_of(farm):
        rows = [row for row in server.data_disks or () if row is not None]
        if rows and server.existing:
            remedy = "belong to a virtual machine made here; remove them or existing: true."
            report(f"servers.{name}.dataDisks", f"{len(rows)} disks", remedy)
        for key, given in (("lun", [row.lun for row in rows]), ("drive", [row.drive for row in rows])):
            for value, count in Counter(given).items():
                if value is not None and count > 1:
                    remedy = "is given to more than one disk of this server; each needs its own."
                    report(f"servers.{name}.dataDisks.{key}", value, remedy)
