"""A lab's stack file, derived from `stacks/Pulumi.lab.yaml`: its own names, servers and addresses."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from components.args import FarmArgs
from components.azure_args import NetworkArgs
from operations.labs.names import Lab, LabError
from stacks.arguments import PROJECT, InvalidStackFileError, read_config_block

LONGEST_COMPUTER_NAME = 15
Config = Mapping[str, Any]


def derive_config(base: Config, lab: Lab, tags: Mapping[str, str], network: IPv4Network | None) -> dict[str, Any]:
    """The lab's `config` block, without the base's secrets, which are encrypted for another stack.

    `network` is the lab's address space, None for the base's. Raises LabError with all problems at once.
    """
    placeholders = {f"{PROJECT}:{name}": "secret" for name in ("operatorPassword", "adminPassword")}
    try:
        farm = read_config_block({**base, **placeholders})
    except InvalidStackFileError as error:
        raise LabError(lab.name, [str(problem) for problem in error.problems]) from None
    if problems := [*find_shared_parts(farm), *find_long_names(farm, lab)]:
        raise LabError(lab.name, problems)
    is_secret = {name for name, value in base.items() if isinstance(value, Mapping) and set(value) == {"secure"}}
    config = {name: copy.deepcopy(value) for name, value in base.items() if name not in is_secret}
    domain = farm.namespace.domain
    # Every name below the domain moves below the lab's own one, in URLs of services too.
    config[f"{PROJECT}:namespace"] = replace_text(config[f"{PROJECT}:namespace"], domain, f"{lab.name}.{domain}")
    for server in config[f"{PROJECT}:servers"].values():
        server["computerName"] = prefix_name(server["computerName"], lab)
    config[f"{PROJECT}:resourceGroup"] = {"name": lab.resource_group}
    # A forgotten lab costs money by the hour.
    config[f"{PROJECT}:autoShutdown"] = config.get(f"{PROJECT}:autoShutdown") or {"time": "1900"}
    if network:
        move_addresses(config, farm.network, network)
    return with_tags(config, tags)


def with_tags(config: Config, tags: Mapping[str, str]) -> dict[str, Any]:
    return {**config, f"{PROJECT}:tags": {**(config.get(f"{PROJECT}:tags") or {}), **tags}}


def find_shared_parts(farm: FarmArgs) -> Iterator[str]:
    """What two labs cannot both have, or what `lab down` could not delete."""
    if farm.protect:
        yield "protect = True: a lab must be deletable; remove the key."
    if farm.resource_group.existing:
        yield "resourceGroup.existing = True: a lab has its own resource group; remove the key."
    for kind, zone in {"private": farm.dns.private, "public": farm.dns.public}.items():
        if zone and (group := zone.existing_resource_group):
            yield f"dns.{kind}.existingResourceGroup = {group!r}: a lab makes its own zone; remove the key."
    for key, server in farm.servers.items():
        if server.existing:
            yield f"servers.{key}.existing = True: two labs would configure the same server; let the lab make its own."


def find_long_names(farm: FarmArgs, lab: Lab) -> Iterator[str]:
    for key, server in farm.servers.items():
        name = prefix_name(server.computer_name, lab)
        if len(name) > LONGEST_COMPUTER_NAME:
            yield (
                f"servers.{key}.computerName = {name!r}: Windows takes {LONGEST_COMPUTER_NAME} characters; choose a "
                f"NAME for the lab of at most {LONGEST_COMPUTER_NAME - 1 - len(server.computer_name)}."
            )


def prefix_name(computer_name: str, lab: Lab) -> str:
    """Active Directory takes a computer name only once, so each lab puts its own name in front."""
    return f"{lab.name}-{computer_name}".upper()


def replace_text(value: Any, old: str, new: str) -> Any:
    """Replaces `old` in every text of a nested value."""
    if isinstance(value, Mapping):
        return {key: replace_text(part, old, new) for key, part in value.items()}
    if isinstance(value, list):
        return [replace_text(part, old, new) for part in value]
    return value.replace(old, new) if isinstance(value, str) else value


def move_addresses(config: dict[str, Any], network: NetworkArgs, to: IPv4Network) -> None:
    """Moves every address to the same place in another address space. Raises LabError."""
    space, subnet = IPv4Network(network.address_space), IPv4Network(network.subnet_prefix)
    if network.subnet_id:
        remedy = "network.subnetId: the subnet exists already; edit the servers' addresses instead."
        raise LabError(f"--network {to}", [remedy])
    if space.prefixlen != to.prefixlen:
        remedy = f"write a prefix of the same length, /{space.prefixlen}."
        raise LabError(f"--network {to}", [f"network.addressSpace = {space}: {remedy}"])
    offset = int(to.network_address) - int(space.network_address)
    moved = {"addressSpace": str(to), "subnetPrefix": f"{subnet.network_address + offset}/{subnet.prefixlen}"}
    config[f"{PROJECT}:network"] = {**(config.get(f"{PROJECT}:network") or {}), **moved}
    for server in config[f"{PROJECT}:servers"].values():
        server["address"] = str(IPv4Address(server["address"]) + offset)
