"""A stack file made fit for this computer: loopback addresses, generated secrets, ports and host keys of stand-ins."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.args import FarmArgs
from components.keys import CIDR, IPV4
from rehearsal.tools import REPOSITORY
from stacks import settings

ADDRESS = re.compile(rf"({CIDR}|{IPV4})")
# Left out, with a notice: the rehearsal has nothing that plays them.
LEFT_OUT = ("operatorPrivateKey", "jumpHostPassword", "jumpHostPrivateKey")


@dataclass(frozen=True, kw_only=True)
class RehearsedFile:
    """What the engine gets instead of the stack file, and what was changed, for people."""

    content: dict[str, Any]
    secrets: dict[str, str]
    farm: FarmArgs
    notices: tuple[str, ...]


def path_of(stack: str) -> Path:
    return REPOSITORY / "stacks" / f"Pulumi.{stack}.yaml"


def rehearse(path: Path, *, ssh_port: int, host_keys: Mapping[str, str]) -> RehearsedFile:
    """`host_keys` holds the stand-ins' keys of existing servers by computer name.

    Raises stacks.settings.SettingsError where the file has mistakes.
    """
    original = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = {
        name: on_loopback(value)
        for name, value in original["config"].items()
        if name.removeprefix(f"{settings.PROJECT}:") not in (*LEFT_OUT, *settings.SECRETS)
    }
    ssh = {**own.get(f"{settings.PROJECT}:ssh", {}), "port": ssh_port}
    notices = [
        "addresses a.b.c.d are 127.b.c.d here",
        f"SSH listens on port {ssh_port} and passwords are made up for this run",
    ]
    if ssh.pop("jumpHost", None):
        notices.append("the jump host is left out: every server is on this computer")
    own[f"{settings.PROJECT}:ssh"] = ssh
    for server in own.get(f"{settings.PROJECT}:servers", {}).values():
        if server.get("existing") and server.get("computerName") in host_keys:
            server["hostKey"] = host_keys[server["computerName"]]
    made_up = {name: password() for name in ("operatorPassword", "adminPassword")}
    farm = settings.from_file({**own, **{f"{settings.PROJECT}:{name}": value for name, value in made_up.items()}})
    content = {"config": own}
    return RehearsedFile(content=content, secrets=made_up, farm=farm, notices=tuple(notices))


def existing_servers(path: Path) -> list[str]:
    """Computer names of servers that exist before the stack does."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
    servers = config.get(f"{settings.PROJECT}:servers", {}).values()
    return [server["computerName"] for server in servers if server.get("existing")]


def on_loopback(value: Any) -> Any:
    """Every IPv4 address and prefix moved into 127.0.0.0/8; 0.0.0.0/0 stays what it is."""
    if isinstance(value, Mapping):
        return {name: on_loopback(part) for name, part in value.items()}
    if isinstance(value, list):
        return [on_loopback(part) for part in value]
    if isinstance(value, str) and ADDRESS.fullmatch(value) and not value.startswith("0.0.0.0"):  # noqa: S104
        return "127." + value.partition(".")[2]
    return value


def password() -> str:
    """Long enough for Azure's rule, with all four kinds of characters."""
    return "aA1!" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(20))
