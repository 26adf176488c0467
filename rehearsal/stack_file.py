"""A stack file made fit for this computer: loopback addresses, generated secrets, ports and host keys of stand-ins."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import choice
from typing import Any

from components.args import FarmArgs
from components.azure_args import NetworkArgs
from components.forms import CIDR, IPV4
from rehearsal.tools import REPOSITORY
from stacks import arguments, file

# The last one only where a jump host is, which is left out here.
SECRETS = ("operatorPassword", "adminPassword", "jumpHostPassword")
ADDRESS = re.compile(rf"({CIDR}|{IPV4})")
SERVERS, NETWORK, SSH, HTTPS_PORT = (
    f"{arguments.PROJECT}:{name}" for name in ("servers", "network", "ssh", "httpsPort")
)


@dataclass(frozen=True, kw_only=True)
class RehearsedFile:
    """What the engine gets instead of the stack file, and what was changed, for people."""

    config: dict[str, Any]
    secrets: dict[str, str]
    farm: FarmArgs
    notices: tuple[str, ...]

    def pin(self, server: str, host_key: str) -> None:
        """Expect the stand-in's host key of an existing server."""
        self.config[SERVERS][server]["hostKey"] = host_key


def path_of(stack: str) -> Path:
    return REPOSITORY / "stacks" / f"Pulumi.{stack}.yaml"


def rehearse(path: Path, *, ssh_port: int, https_port: int) -> RehearsedFile:
    """Raises InvalidStackFileError for a file with mistakes, UnreadableStackFileError where the engine refuses it."""
    try:
        original = file.read_stack_file(path, arguments.PROJECT)
    except OSError as error:
        raise file.UnreadableStackFileError(f"{path} cannot be read: {error.strerror}.") from None
    # As it is, so that mistakes are named with the values that were typed.
    arguments.read_config_block({**made_up(SECRETS), **original.config}, original.typed)
    config = {
        name: on_loopback(value)
        for name, value in original.config.items()
        if name.removeprefix(f"{arguments.PROJECT}:") not in arguments.SECRETS
    }
    default = NetworkArgs()
    prefixes = {"subnetPrefix": default.subnet_prefix, "addressSpace": default.address_space}
    network = {**on_loopback(prefixes), "clientPorts": list(default.client_ports), **(config.get(NETWORK) or {})}
    before = config.get(HTTPS_PORT, FarmArgs.https_port)
    network["clientPorts"] = [https_port if str(port) == str(before) else port for port in network["clientPorts"]]
    config[NETWORK] = network
    ssh = {**(config.get(SSH) or {}), "port": ssh_port}
    notices = [
        "addresses a.b.c.d are 127.b.c.d here",
        f"SSH listens on port {ssh_port}, HTTPS on port {https_port}, and passwords are made up for this run",
    ]
    if ssh.pop("jumpHost", None):
        notices.append("the jump host is left out: every server is on this computer")
    config[SSH] = ssh
    config[HTTPS_PORT] = https_port
    secrets = made_up(SECRETS[:2])
    farm = arguments.read_config_block({**config, **secrets})
    return RehearsedFile(
        config=config,
        secrets={name.partition(":")[2]: value for name, value in secrets.items()},
        farm=farm,
        notices=tuple(notices),
    )


def on_loopback(value: Any) -> Any:
    """Every IPv4 address and prefix moved into 127.0.0.0/8; 0.0.0.0/0 stays what it is."""
    if isinstance(value, Mapping):
        return {name: on_loopback(part) for name, part in value.items()}
    if isinstance(value, list):
        return [on_loopback(part) for part in value]
    if isinstance(value, str) and ADDRESS.fullmatch(value) and not value.startswith("0.0.0.0"):  # noqa: S104
        return "127." + value.partition(".")[2]
    return value


def made_up(names: Iterable[str]) -> dict[str, str]:
    """A password for each key of a stack file."""
    return {f"{arguments.PROJECT}:{name}": password() for name in names}


def password() -> str:
    """Long enough for Azure's rule, with all four kinds of characters."""
    return "aA1!" + "".join(choice(string.ascii_letters + string.digits) for _ in range(20))


def addresses(path: Path) -> list[str]:
    """The servers' addresses as they are here."""
    servers = file.read_stack_file(path, arguments.PROJECT).config.get(SERVERS)
    rows = servers.values() if isinstance(servers, Mapping) else ()
    found = (server.get("address") for server in rows if isinstance(server, Mapping))
    return [on_loopback(address) for address in found if isinstance(address, str) and ADDRESS.fullmatch(address)]
