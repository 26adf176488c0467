"""The settings in the words of the promises."""

from __future__ import annotations

from components.args import FarmArgs, ServerArgs

SUBNETS = "/subnets/"


def made(farm: FarmArgs) -> dict[str, ServerArgs]:
    return {key: server for key, server in farm.servers.items() if not server.existing}


def existing(farm: FarmArgs) -> dict[str, ServerArgs]:
    return {key: server for key, server in farm.servers.items() if server.existing}


def rotating(farm: FarmArgs) -> dict[str, ServerArgs]:
    return {key: server for key, server in farm.servers.items() if server.in_rotation}


def configured(farm: FarmArgs) -> dict[str, ServerArgs]:
    every = farm.servers.items() if farm.configure_namespace else ()
    return {key: server for key, server in every if server.configure_namespace}


def public_address(farm: FarmArgs, key: str) -> str | None:
    """One made here by its resource; else the one that the stack file names."""
    server = farm.servers[key]
    return f"<ipAddress of cas-{key}-ip>" if server.public_address else server.external_address


def group(farm: FarmArgs, stack: str) -> str:
    return farm.resource_group.name or f"exchange-cas-{stack}"


def own_network(farm: FarmArgs) -> str | None:
    """The id of the network that machines made here are in."""
    if not made(farm):
        return None
    subnet = farm.network.subnet_id
    return subnet[: subnet.index(SUBNETS)] if subnet else "<id of cas-network>"


def makes_private_zone(farm: FarmArgs) -> bool:
    private, public = farm.dns.private, farm.dns.public
    return private.existing_resource_group is None if private else public is None


def makes_public_zone(farm: FarmArgs) -> bool:
    return farm.dns.public is not None and farm.dns.public.existing_resource_group is None
