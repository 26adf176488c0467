"""What the promises read from the arguments."""

from __future__ import annotations

from components.args import FarmArgs, ServerArgs

SUBNETS = "/subnets/"


def servers_created_here(farm: FarmArgs) -> dict[str, ServerArgs]:
    return {key: server for key, server in farm.servers.items() if not server.existing}


def joined_servers(farm: FarmArgs) -> set[str]:
    """Keys of the servers that join the domain at a first `up`."""
    return {key for key, row in servers_created_here(farm).items() if farm.domain and row.join_domain is not False}


def existing_servers(farm: FarmArgs) -> dict[str, ServerArgs]:
    return {key: server for key, server in farm.servers.items() if server.existing}


def rotating_servers(farm: FarmArgs) -> dict[str, ServerArgs]:
    return {key: server for key, server in farm.servers.items() if server.in_rotation}


def configured_servers(farm: FarmArgs) -> dict[str, ServerArgs]:
    every = farm.servers.items() if farm.configure_namespace else ()
    return {key: server for key, server in every if server.configure_namespace}


def installed_servers(farm: FarmArgs) -> dict[str, ServerArgs]:
    """Exchange is installed also while the farm's configureNamespace is false."""
    made_here = servers_created_here(farm).items() if farm.installation else ()
    return {key: server for key, server in made_here if server.configure_namespace}


def expected_public_address(farm: FarmArgs, key: str) -> str | None:
    """The new address's placeholder; else the address in the stack file."""
    server = farm.servers[key]
    return f"<ipAddress of cas-{key}-ip>" if server.public_address else server.external_address


def resource_group_name(farm: FarmArgs, stack: str) -> str:
    return farm.resource_group.name or f"exchange-cas-{stack}"


def servers_network(farm: FarmArgs) -> str | None:
    """The id of the network of the machines created here."""
    if not servers_created_here(farm):
        return None
    subnet = farm.network.subnet_id
    return subnet[: subnet.index(SUBNETS)] if subnet else "<id of cas-network>"


def makes_private_zone(farm: FarmArgs) -> bool:
    private, public = farm.dns.private, farm.dns.public
    return private.existing_resource_group is None if private else public is None


def makes_public_zone(farm: FarmArgs) -> bool:
    return farm.dns.public is not None and farm.dns.public.existing_resource_group is None
