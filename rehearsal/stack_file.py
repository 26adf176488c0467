"""Adapts a stack file to this computer: loopback addresses, generated secrets, ports and host keys of stand-ins."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import choice
from typing import Any

from components import namespace
from components.args import FarmArgs
from components.azure_args import NetworkArgs
from components.forms import CIDR, IPV4
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from rehearsal.tools import REPOSITORY
from stacks import arguments, file

SECRETS = ("operatorPassword", "adminPassword")
# For a jump host, which a rehearsal leaves out.
JUMP_HOST_PASSWORD = "jumpHostPassword"  # noqa: S105 (the name of a key)
DOMAIN = f"{arguments.PROJECT}:domain"
ADDRESS = re.compile(rf"({CIDR}|{IPV4})")
SERVERS, NETWORK, SSH, HTTPS_PORT = (
    f"{arguments.PROJECT}:{name}" for name in ("servers", "network", "ssh", "httpsPort")
)


@dataclass(frozen=True, kw_only=True)
class RehearsedFile:
    """The adapted stack file; `notices` tell the user what was changed."""

    config: dict[str, Any]
    secrets: dict[str, str]
    farm: FarmArgs
    notices: tuple[str, ...]

    def pin_host_key(self, server: str, host_key: str) -> None:
        """Sets the host key of an existing server to that of its stand-in."""
        self.config[SERVERS][server]["hostKey"] = host_key


def find_stack_file(stack: str) -> Path:
    return REPOSITORY / "stacks" / f"Pulumi.{stack}.yaml"


def adapt_stack_file(path: Path, *, ssh_port: int, https_port: int) -> RehearsedFile:
    """Raises InvalidStackFileError for a file with mistakes, UnreadableStackFileError where the engine refuses it."""
    try:
        original = file.read_stack_file(path, arguments.PROJECT)
    except OSError as error:
        raise file.UnreadableStackFileError(f"{path} cannot be read: {error.strerror}.") from None
    # Checked before it is adapted, so that errors show the values that the user typed.
    used = [*SECRETS, *(["domainPassword"] if original.config.get(DOMAIN) else [])]
    arguments.read_config_block({**create_passwords([*used, JUMP_HOST_PASSWORD]), **original.config}, original.typed)
    config = {
        name: move_to_loopback(value)
        for name, value in original.config.items()
        if name.removeprefix(f"{arguments.PROJECT}:") not in arguments.SECRETS
    }
    default = NetworkArgs()
    prefixes = {"subnetPrefix": default.subnet_prefix, "addressSpace": default.address_space}
    network = {**move_to_loopback(prefixes), "clientPorts": list(default.client_ports), **(config.get(NETWORK) or {})}
    before = config.get(HTTPS_PORT, FarmArgs.https_port)
    network["clientPorts"] = [https_port if str(port) == str(before) else port for port in network["clientPorts"]]
    config[NETWORK] = network
    ssh = {**(config.get(SSH) or {}), "port": ssh_port}
    notices = [
        "addresses a.b.c.d become 127.b.c.d",
        f"SSH listens on port {ssh_port}, HTTPS on port {https_port}, and passwords are generated for this run",
    ]
    if ssh.pop("jumpHost", None):
        notices.append("the jump host is left out: every server is on this computer")
    config[SSH] = ssh
    config[HTTPS_PORT] = https_port
    secrets = create_passwords(used)
    farm = arguments.read_config_block({**config, **secrets})
    return RehearsedFile(
        config=config,
        secrets={name.partition(":")[2]: value for name, value in secrets.items()},
        farm=farm,
        notices=tuple(notices),
    )


def move_to_loopback(value: Any) -> Any:
    """Moves every IPv4 address and prefix into 127.0.0.0/8, except 0.0.0.0/0."""
    if isinstance(value, Mapping):
        return {name: move_to_loopback(part) for name, part in value.items()}
    if isinstance(value, list):
        return [move_to_loopback(part) for part in value]
    if isinstance(value, str) and ADDRESS.fullmatch(value) and not value.startswith("0.0.0.0"):  # noqa: S104
        return "127." + value.partition(".")[2]
    return value


def create_passwords(names: Iterable[str]) -> dict[str, str]:
    """A password for each of these keys of the stack file."""
    return {f"{arguments.PROJECT}:{name}": create_password() for name in names}


def create_password() -> str:
    """A password that fulfils Azure's rule: long enough, with all four kinds of characters."""
    return "aA1!" + "".join(choice(string.ascii_letters + string.digits) for _ in range(20))


def read_loopback_addresses(path: Path) -> list[str]:
    """The servers' addresses after `move_to_loopback`."""
    servers = file.read_stack_file(path, arguments.PROJECT).config.get(SERVERS)
    rows = servers.values() if isinstance(servers, Mapping) else ()
    values = (server.get("address") for server in rows if isinstance(server, Mapping))
    return [move_to_loopback(value) for value in values if isinstance(value, str) and ADDRESS.fullmatch(value)]


def list_existing_resources(farm: FarmArgs, stack: str) -> Iterator[tuple[str, dict[str, object]]]:
    """ARM id and body of each resource that the stack file expects to exist: resource group, zones, networks, image."""
    groups = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups"
    if farm.resource_group.existing:
        yield f"{groups}/{farm.resource_group.name_for(stack)}", {"location": "westeurope"}
    names = namespace.client_names(farm.namespace)
    for zone, kind, name in (
        (farm.dns.private, "privateDnsZones", names.client),
        (farm.dns.public, "dnszones", names.external_client),
    ):
        if zone and zone.existing_resource_group:
            domain = name.partition(".")[2]
            path = f"{groups}/{zone.existing_resource_group}/providers/Microsoft.Network/{kind}/{domain}"
            yield path, {"location": "global"}
    for linked in farm.dns.private.linked_networks if farm.dns.private else ():
        yield linked, {"location": "westeurope"}
    if farm.network.subnet_id:
        network = farm.network.subnet_id.rpartition("/subnets/")[0]
        space = {"addressPrefixes": [farm.network.subnet_prefix]}
        yield network, {"location": "westeurope", "addressSpace": space}
        yield farm.network.subnet_id, {"addressPrefix": farm.network.subnet_prefix}
    if farm.image.id:
        # Trusted Launch needs the second generation; an image without a location is in every region.
        yield farm.image.id, {"hyperVGeneration": "V2" if farm.image.trusted_launch else "V1"}
