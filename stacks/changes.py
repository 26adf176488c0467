"""Compares a stack file with the last `up`: refuses changes that Azure would refuse in the middle of a run, and ignores
changes of letter case. See docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from components.args import FarmArgs, ServerArgs
from components.azure_args import DnsArgs
from stacks.arguments import InvalidStackFileError
from stacks.problems import Problem

Outputs = Mapping[str, Any]
T = TypeVar("T", str, str | None)


def reconcile_with_last_up(farm: FarmArgs, last: Outputs) -> FarmArgs:
    """`farm` with names and ids spelled as in `last`, the outputs of the last `up`.

    Raises InvalidStackFileError for changes that Azure refuses.
    """
    servers, azure = last.get("servers") or {}, last.get("azure") or {}
    problems = [
        *find_network_change(farm, servers, azure),
        *find_prefix_change(farm, azure),
        *find_names_in_use(farm, servers),
        *find_refused_disk_changes(farm, servers),
        *find_change_of_domain(farm, servers),
    ]
    if problems:
        raise InvalidStackFileError(problems)
    return keep_spelling(farm, last)


def find_servers_with_disks(farm: FarmArgs, last: Outputs) -> frozenset[str]:
    """Keys of the servers that the stack creates and that have data disks now, or had some at an earlier `up`."""
    servers = last.get("servers") or {}
    return frozenset(
        key for key, row in list_created_servers(farm) if row.data_disks or "dataDisks" in (servers.get(key) or {})
    )


def find_joining_servers(farm: FarmArgs, last: Outputs) -> frozenset[str]:
    """Keys of the servers that join the domain in this run, or joined it in an earlier one (docs/decisions/0021)."""
    rows = last.get("servers") or {}
    return frozenset(
        key
        for key, server in list_created_servers(farm)
        if farm.domain and (server.join_domain or (server.join_domain is None and joins_by_itself(rows.get(key))))
    )


def joins_by_itself(row: Outputs | None) -> bool:
    """Whether a server is new, or joined at an earlier `up`. `row`: its outputs after the last one."""
    return row is None or "domain" in row


def warn_of_machines_outside_domain(farm: FarmArgs, last: Outputs) -> Iterator[str]:
    joining = find_joining_servers(farm, last)
    for key, server in list_created_servers(farm):
        if farm.domain and server.join_domain is None and key not in joining:
            yield (
                f"servers.{key}: an earlier `pulumi up` created {server.computer_name} without domain, so this run "
                f"does not join it to {farm.domain.name}. If it is in that domain, write joinDomain: false for it. If "
                "it is in no domain, or you rebuild it, write joinDomain: true; it then restarts."
            )


def find_change_of_domain(farm: FarmArgs, servers: Outputs) -> Iterator[Problem]:
    for key, server in list_created_servers(farm):
        before = (servers.get(key) or {}).get("domain")
        if farm.domain and before and before != farm.domain.name and server.join_domain is not False:
            yield Problem(
                "domain.name",
                farm.domain.name,
                f"is not {before}, which {server.computer_name} joined. Exchange does not survive a change of its "
                f"server's domain, so this program makes none. Write {before}, or use a separate stack.",
            )


def list_created_servers(farm: FarmArgs) -> Iterator[tuple[str, ServerArgs]]:
    return ((key, server) for key, server in farm.servers.items() if not server.existing)


def find_network_change(farm: FarmArgs, servers: Outputs, azure: Outputs) -> Iterator[Problem]:
    """A network interface cannot leave its virtual network, and a virtual machine keeps its network interface."""
    before = azure.get("subnetId")
    if not before or not any(key in servers for key, _ in list_created_servers(farm)):
        return
    if network_id(farm.network.subnet_id) != network_id(None if azure.get("subnetPrefix") else before):
        yield Problem(
            "network.subnetId",
            farm.network.subnet_id,
            f"is not in the virtual network of the servers, whose subnet is {before}, and Azure cannot move a "
            "virtual machine to another network. Keep the network, and create servers elsewhere in a separate stack. "
            "Or give every server that this stack creates a new key, computerName and address: `pulumi up` then "
            "creates new servers and deletes these.",
        )


def find_prefix_change(farm: FarmArgs, azure: Outputs) -> Iterator[Problem]:
    before = azure.get("subnetPrefix")
    if not before or farm.network.subnet_id or not any(list_created_servers(farm)):
        return
    if farm.network.subnet_prefix != before:
        yield Problem(
            "network.subnetPrefix",
            farm.network.subnet_prefix,
            f"is not {before}, the prefix of the subnet, and Azure cannot change that of a subnet in use. "
            f"Write {before}. For another prefix use a separate stack, or run `pulumi destroy` first.",
        )


def find_names_in_use(farm: FarmArgs, servers: Outputs) -> Iterator[Problem]:
    """A name or an address that another server gives up becomes free at the end of the run."""
    for key, server in list_created_servers(farm):
        for name, wanted in (("computerName", server.computer_name), ("address", server.address)):
            for other, row in servers.items():
                if other != key and str((row or {}).get(name)).lower() == wanted.lower():
                    yield Problem(
                        f"servers.{key}.{name}",
                        wanted,
                        f"belongs to {other} until the end of a run. Run `pulumi up` without this change of {key} "
                        "first, then with it.",
                    )


def find_refused_disk_changes(farm: FarmArgs, servers: Outputs) -> Iterator[Problem]:
    for key, server in list_created_servers(farm):
        before = {int(row["lun"]): row for row in (servers.get(key) or {}).get("dataDisks") or []}
        for disk in server.data_disks:
            row = before.get(disk.lun) or {"sizeGib": 0, "sku": disk.sku}
            if disk.size_gib < (size := int(row["sizeGib"])):
                remedy = f"is less than the {size} GiB of LUN {disk.lun}, and Azure cannot shrink a disk."
                yield Problem(f"servers.{key}.dataDisks.sizeGib", disk.size_gib, f"{remedy} Write at least {size}.")
            if disk.sku != row["sku"]:
                remedy = (
                    f"is not {row['sku']}, the type of LUN {disk.lun}, and Azure cannot change that of an attached "
                    f"disk. Write {row['sku']}, or add another disk."
                )
                yield Problem(f"servers.{key}.dataDisks.sku", disk.sku, remedy)


def network_id(subnet_id: str | None) -> str:
    """The id of a subnet's network, in lower case. Empty for a network that the stack creates."""
    return (subnet_id or "").lower().rpartition("/subnets/")[0]


def keep_spelling(farm: FarmArgs, last: Outputs) -> FarmArgs:
    """Azure ignores the case of names and ids; Pulumi would see a change."""
    rows, azure = last.get("servers") or {}, last.get("azure") or {}
    groups = azure.get("resourceGroups") or []
    return replace(
        farm,
        servers={key: keep_spelling_of_server(server, rows.get(key) or {}) for key, server in farm.servers.items()},
        network=replace(farm.network, subnet_id=match_spelling(farm.network.subnet_id, [azure.get("subnetId")])),
        resource_group=replace(farm.resource_group, name=match_spelling(farm.resource_group.name, groups)),
        dns=keep_spelling_of_zones(farm.dns, groups, [str(id) for id in azure.get("linkedNetworks") or []]),
    )


def keep_spelling_of_server(server: ServerArgs, row: Outputs) -> ServerArgs:
    name = match_spelling(server.computer_name, [row.get("computerName")])
    return server if server.existing else replace(server, computer_name=name)


def keep_spelling_of_zones(dns: DnsArgs, groups: Iterable[str], linked: Iterable[str]) -> DnsArgs:
    private, public = dns.private, dns.public
    if private:
        group = match_spelling(private.existing_resource_group, groups)
        links = tuple(keep_spelling_of_link(id, linked) for id in private.linked_networks)
        private = replace(private, existing_resource_group=group, linked_networks=links)
    if public:
        public = replace(public, existing_resource_group=match_spelling(public.existing_resource_group, groups))
    return replace(dns, private=private, public=public)


def keep_spelling_of_link(id: str, known: Iterable[str]) -> str:
    """A link has its network's name, so the name keeps its spelling even if the rest of the id changes."""
    path, _, name = match_spelling(id, known).rpartition("/")
    return f"{path}/{match_spelling(name, [other.rpartition('/')[2] for other in known])}"


def match_spelling(text: T, known: Iterable[object]) -> T:
    """The first of `known` that equals `text` without regard to case, else `text`."""
    if text is None:
        return text
    return next((name for name in known if isinstance(name, str) and name.lower() == text.lower()), text)
