"""What must hold between a stack file and the last `up`: what Azure cannot change is refused, and what differs in case
alone keeps its spelling. See docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from components.args import DnsArgs, FarmArgs, NetworkArgs, ServerArgs
from stacks.reading import Problem
from stacks.settings import SettingsError

Outputs = Mapping[str, Any]


def continued(farm: FarmArgs, last: Outputs) -> FarmArgs:
    """`farm` with the spelling that Azure's names and ids have in `last`, the outputs of the last `up`.

    Raises SettingsError for changes that Azure refuses in the middle of a run.
    """
    servers, network = last.get("servers") or {}, last.get("network") or {}
    problems = [
        *other_network(farm, servers, network),
        *other_prefix(farm, network),
        *taken(farm, servers),
        *other_disks(farm, servers),
    ]
    if problems:
        raise SettingsError(problems)
    return spelled(farm, servers, network)


def made(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    return ((key, server) for key, server in farm.servers.items() if not server.existing)


def other_network(farm: FarmArgs, servers: Outputs, network: Outputs) -> Iterator[Problem]:
    """A network interface stays in its virtual network, and a virtual machine keeps its network interface."""
    before = network.get("subnetId")
    if not before or not any(key in servers for key, _ in made(farm)):
        return
    if network_of(farm.network.subnet_id) != network_of(None if network.get("subnetPrefix") else before):
        yield Problem(
            "network.subnetId",
            farm.network.subnet_id,
            f"is not in the virtual network of the servers, whose subnet is {before}; Azure moves no virtual machine "
            "to another one. Keep the network, and build servers elsewhere in a stack of their own; or give every "
            "server made here a new key, a new computerName and a new address: new ones are made, these are deleted.",
        )


def other_prefix(farm: FarmArgs, network: Outputs) -> Iterator[Problem]:
    before = network.get("subnetPrefix")
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
                if other != key and str(row.get(what, "")).lower() == wanted.lower():
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


def with_disks(farm: FarmArgs, last: Outputs) -> frozenset[str]:
    """Keys of the servers made here that have data disks, or had some at an earlier `up`."""
    servers = last.get("servers") or {}
    return frozenset(key for key, row in made(farm) if row.data_disks or "dataDisks" in (servers.get(key) or {}))


def network_of(subnet_id: str | None) -> str:
    """Empty for a network made here."""
    return (subnet_id or "").lower().rpartition("/subnets/")[0]


def spelled(farm: FarmArgs, servers: Outputs, network: Outputs) -> FarmArgs:
    rows = {key: server_spelled(server, servers.get(key) or {}) for key, server in farm.servers.items()}
    return replace(
        farm, servers=rows, network=subnet_spelled(farm.network, network), dns=links_spelled(farm.dns, network)
    )


def server_spelled(server: ServerArgs, row: Outputs) -> ServerArgs:
    name = as_before(server.computer_name, [str(row.get("computerName", ""))])
    return server if server.existing else replace(server, computer_name=name)


def as_before(text: str, before: list[str]) -> str:
    return next((known for known in before if known.lower() == text.lower()), text)


def subnet_spelled(args: NetworkArgs, network: Outputs) -> NetworkArgs:
    known = network.get("subnetId")
    return replace(args, subnet_id=as_before(args.subnet_id, [known])) if args.subnet_id and known else args


def links_spelled(args: DnsArgs, network: Outputs) -> DnsArgs:
    """A link is called like its network, so a network's name keeps its spelling where the rest of the id is new."""
    known = [str(id) for id in network.get("linkedNetworks") or []]
    names = [id.rpartition("/")[2] for id in known]
    kept = []
    for id in args.private.linked_networks if args.private else ():
        rest, _, name = as_before(id, known).rpartition("/")
        kept.append(f"{rest}/{as_before(name, names)}")
    return replace(args, private=replace(args.private, linked_networks=tuple(kept))) if args.private else args
