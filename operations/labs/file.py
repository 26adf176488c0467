"""The stack file of a lab, made from `stacks/Pulumi.lab.yaml`: names, servers and addresses of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from components.azure_args import NetworkArgs
from operations.labs.names import Lab, LabError
from stacks import arguments

P = arguments.PROJECT
LONGEST_COMPUTER_NAME = 15
Config = Mapping[str, Any]


def made(base: Config, lab: Lab, tags: Mapping[str, str], network: IPv4Network | None) -> dict[str, Any]:
    """The `config:` block of the lab. Secrets of the base are left out: they are encrypted for another stack.

    `network` is the lab's address space, where it is not the base's. Raises LabError with all problems at once.
    """
    checked(base, lab)
    config = {
        name: copy.deepcopy(value)
        for name, value in base.items()
        if not (isinstance(value, Mapping) and set(value) == {"secure"})
    }
    domain = str(config[f"{P}:namespace"]["domain"])
    config[f"{P}:namespace"] = under(config[f"{P}:namespace"], domain, f"{lab.name}.{domain}")
    for server in config[f"{P}:servers"].values():
        server["computerName"] = computer_name(server, lab)
    config[f"{P}:resourceGroup"] = {"name": lab.resource_group}
    config[f"{P}:tags"] = {**(config.get(f"{P}:tags") or {}), **tags}
    # Whoever forgets a lab pays for it by the hour.
    config[f"{P}:autoShutdown"] = config.get(f"{P}:autoShutdown") or {"time": "1900"}
    if network:
        move(config, network)
    return config


def retagged(config: Config, tags: Mapping[str, str]) -> dict[str, Any]:
    return {**config, f"{P}:tags": {**(config.get(f"{P}:tags") or {}), **tags}}


def checked(base: Config, lab: Lab) -> None:
    """Raises LabError where a lab from this file would share something with another lab, or could not go again."""
    values = {**base, **{f"{P}:{name}": "secret" for name in ("operatorPassword", "adminPassword")}}
    try:
        arguments.read_config_block(values)
    except arguments.InvalidStackFileError as error:
        raise LabError(lab.name, [str(problem) for problem in error.problems]) from None
    problems = list(shared(base)) + list(too_long(base, lab))
    if problems:
        raise LabError(lab.name, problems)


def shared(base: Config) -> Iterator[str]:
    """What no two labs can have, or no lab can leave behind it."""
    if base.get(f"{P}:protect") in (True, "true"):
        yield "protect = True: a lab is taken down again; remove the key."
    if (base.get(f"{P}:resourceGroup") or {}).get("existing") in (True, "true"):
        yield "resourceGroup.existing = True: a lab has a resource group of its own; remove the key."
    for kind, zone in (base.get(f"{P}:dns") or {}).items():
        group = zone.get("existingResourceGroup") if isinstance(zone, Mapping) else None
        if group:
            yield f"dns.{kind}.existingResourceGroup = {group!r}: a lab makes its own zone; remove the key."
    for key, server in base[f"{P}:servers"].items():
        if server.get("existing") in (True, "true"):
            yield f"servers.{key}.existing = True: two labs would configure the same server; let the lab make its own."


def too_long(base: Config, lab: Lab) -> Iterator[str]:
    """Windows takes 15 characters, and Active Directory a name only once: each lab puts its own in front."""
    for key, server in base[f"{P}:servers"].items():
        name = computer_name(server, lab)
        if len(name) > LONGEST_COMPUTER_NAME:
            most = LONGEST_COMPUTER_NAME - 1 - len(server["computerName"])
            yield (
                f"servers.{key}.computerName = {name!r}: {LONGEST_COMPUTER_NAME} characters at most; "
                f"choose a NAME for the lab of at most {most}."
            )


def computer_name(server: Mapping[str, Any], lab: Lab) -> str:
    return f"{lab.name}-{server['computerName']}".upper()


def under(value: Any, domain: str, own: str) -> Any:
    """The same with every name below `domain` below `own`, in URLs of services too."""
    if isinstance(value, Mapping):
        return {key: under(part, domain, own) for key, part in value.items()}
    if isinstance(value, list):
        return [under(part, domain, own) for part in value]
    return value.replace(domain, own) if isinstance(value, str) else value


def move(config: dict[str, Any], to: IPv4Network) -> None:
    """Every address to its place in another address space of the same size. Raises LabError."""
    network = dict(config.get(f"{P}:network") or {})
    if network.get("subnetId"):
        raise LabError(
            f"--network {to}", ["network.subnetId: the subnet exists already; edit the servers' addresses instead."]
        )
    defaults = NetworkArgs()
    space = IPv4Network(network.get("addressSpace", defaults.address_space))
    subnet = IPv4Network(network.get("subnetPrefix", defaults.subnet_prefix))
    if space.prefixlen != to.prefixlen:
        raise LabError(
            f"--network {to}",
            [f"network.addressSpace = {space}: write a prefix of the same length, /{space.prefixlen}."],
        )
    away = int(to.network_address) - int(space.network_address)
    network |= {"addressSpace": str(to), "subnetPrefix": f"{subnet.network_address + away}/{subnet.prefixlen}"}
    config[f"{P}:network"] = network
    for server in config[f"{P}:servers"].values():
        server["address"] = str(IPv4Address(server["address"]) + away)
