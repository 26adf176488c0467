"""What must hold between a stack file and the last `up`: what Azure cannot change is refused before a run begins.

See docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.args import FarmArgs, ServerArgs
from stacks.arguments import InvalidStackFileError
from stacks.problems import Problem
from stacks.spelling import Outputs, spelled


def reconcile_with_last_up(farm: FarmArgs, last: Outputs) -> FarmArgs:
    """`farm` with the spelling that Azure's names and ids have in `last`, the outputs of the last `up`.

    Raises InvalidStackFileError for changes that Azure refuses in the middle of a run.
    """
    servers, known = last.get("servers") or {}, last.get("azure") or {}
    problems = [
        *other_network(farm, servers, known),
        *other_prefix(farm, known),
        *taken(farm, servers),
        *other_disks(farm, servers),
    ]
    if problems:
        raise InvalidStackFileError(problems)
    return spelled(farm, last)


def made(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    return ((key, server) for key, server in farm.servers.items() if not server.existing)


def other_network(farm: FarmArgs, servers: Outputs, azure: Outputs) -> Iterator[Problem]:
    """A network interface stays in its virtual network, and a virtual machine keeps its network interface."""
    before = azure.get("subnetId")
    if not before or not any(key in servers for key, _ in made(farm)):
        return
    if network_of(farm.network.subnet_id) != network_of(None if azure.get("subnetPrefix") else before):
        yield Problem(
            "network.subnetId",
            farm.network.subnet_id,
            f"is not in the virtual network of the servers, whose subnet is {before}; Azure moves no virtual machine "
            "to another one. Keep the network, and build servers elsewhere in a stack of their own; or give every "
            "server made here a new key, a new computerName and a new address: new ones are made, these are deleted.",
        )


def other_prefix(farm: FarmArgs, azure: Outputs) -> Iterator[Problem]:
    before = azure.get("subnetPrefix")
    if before and any(made(farm)) and not farm.network.subnet_id and farm.network.subnet_prefix != before:
        yield Problem(
            "network.subnetPrefix",
            farm.network.subnet_prefix,
            f"Azure changes no prefix of a subnet in use, and this one has {before}. Keep it; another prefix needs a "
            "stack of its own, or `pulumi destroy` first.",
        )


def taken(farm: FarmArgs, servers: Outputs) -> Iterator[Problem]:
    """What leaves a server in a run is free when the run has ended."""
    for key, server in made(farm):
        for what, wanted in (("computerName", server.computer_name), ("address", server.address)):
            for other, row in servers.items():
                if other != key and str((row or {}).get(what)).lower() == wanted.lower():
                    yield Problem(
                        f"servers.{key}.{what}",
                        wanted,
                        f"is {other}'s until a run has ended that takes it away from there. Run `pulumi up` without "
                        f"this change of {key} first, then with it.",
                    )


def other_disks(farm: FarmArgs, servers: Outputs) -> Iterator[Problem]:
    for key, server in made(farm):
        before = {int(row["lun"]): row for row in (servers.get(key) or {}).get("dataDisks") or []}
        for disk in server.data_disks:
            row = before.get(disk.lun) or {"sizeGib": 0, "sku": disk.sku}
            if disk.size_gib < int(row["sizeGib"]):
                remedy = f"is less than the {int(row['sizeGib'])} GiB that LUN {disk.lun} has; Azure shrinks no disk."
                yield Problem(f"servers.{key}.dataDisks.sizeGib", disk.size_gib, f"{remedy} Write at least as much.")
            if disk.sku != row["sku"]:
                remedy = f"is not the {row['sku']} that LUN {disk.lun} has, and Azure changes none that is attached."
                yield Problem(f"servers.{key}.dataDisks.sku", disk.sku, f"{remedy} Keep it, or add a disk beside it.")


def servers_with_disks(farm: FarmArgs, last: Outputs) -> frozenset[str]:
    """Keys of the servers made here that have data disks, or had some at an earlier `up`."""
    servers = last.get("servers") or {}
    return frozenset(key for key, row in made(farm) if row.data_disks or "dataDisks" in (servers.get(key) or {}))


def network_of(subnet_id: str | None) -> str:
    """Empty for a network made here."""
    return (subnet_id or "").lower().rpartition("/subnets/")[0]
