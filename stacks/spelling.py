"""Azure compares names and ids without case: what differs in case alone keeps the spelling of the last `up`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from components.args import FarmArgs, ServerArgs
from components.azure_args import DnsArgs

Outputs = Mapping[str, Any]
T = TypeVar("T", str, str | None)


def spelled(farm: FarmArgs, last: Outputs) -> FarmArgs:
    """`farm` with the spelling that names and ids have in `last`, the outputs of the last `up`."""
    rows, azure = last.get("servers") or {}, last.get("azure") or {}
    groups = azure.get("resourceGroups") or []
    return replace(
        farm,
        servers={key: server_spelled(server, rows.get(key) or {}) for key, server in farm.servers.items()},
        network=replace(farm.network, subnet_id=as_before(farm.network.subnet_id, [azure.get("subnetId")])),
        resource_group=replace(farm.resource_group, name=as_before(farm.resource_group.name, groups)),
        dns=zones_spelled(farm.dns, groups, [str(id) for id in azure.get("linkedNetworks") or []]),
    )


def server_spelled(server: ServerArgs, row: Outputs) -> ServerArgs:
    name = as_before(server.computer_name, [row.get("computerName")])
    return server if server.existing else replace(server, computer_name=name)


def zones_spelled(dns: DnsArgs, groups: Iterable[str], linked: Iterable[str]) -> DnsArgs:
    private, public = dns.private, dns.public
    if private:
        group = as_before(private.existing_resource_group, groups)
        links = tuple(link_spelled(id, linked) for id in private.linked_networks)
        private = replace(private, existing_resource_group=group, linked_networks=links)
    if public:
        public = replace(public, existing_resource_group=as_before(public.existing_resource_group, groups))
    return replace(dns, private=private, public=public)


def link_spelled(id: str, known: Iterable[str]) -> str:
    """A link is called like its network, so a network's name keeps its spelling where the rest of the id is new."""
    rest, _, name = as_before(id, known).rpartition("/")
    return f"{rest}/{as_before(name, [other.rpartition('/')[2] for other in known])}"


def as_before(text: T, known: Iterable[object]) -> T:
    """The one of `known` that differs from `text` in case at most, else `text`."""
    return next((one for one in known if isinstance(one, str) and text and one.lower() == text.lower()), text)
