"""How PowerShell on a server is called and answered: command lines, documents, scripts. No Pulumi here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from components.namespace import Settings

SCRIPTS = Path(__file__).parent / "scripts"
# The provider resolves it against the program's folder; the slash at the end copies what is inside.
SCRIPTS_ARCHIVE = "components/scripts/"
INSTALLATIONS = "C:/ProgramData/ExchangeCas"

Credential = Mapping[str, str]


def script(name: str) -> str:
    return (SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8")


@cache
def scripts_version() -> str:
    """Eight hexadecimal digits that follow the scripts' texts."""
    texts = (file.name.encode() + b"\0" + file.read_bytes() for file in sorted(SCRIPTS.glob("*.ps1")))
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:8]


def scripts_folder(installation: str) -> str:
    """Where a server keeps its scripts: they arrive and run again after a rebuild, and when they change.

    `installation` differs after a rebuild. Forward slashes: the provider joins remote paths by the rules of the
    computer it runs on.
    """
    return f"{INSTALLATIONS}/{installation}/{scripts_version()}/"


def run_file(folder: str, name: str) -> str:
    """The command line that runs a copied script; cmd.exe and PowerShell as default shell read it alike."""
    return f"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {folder}{name}.ps1"


def namespace_document(
    *,
    server: str,
    exchange_version: str,
    recycle_app_pools: bool,
    settings: Settings,
    credential: Credential | None = None,
) -> str:
    """The standard input of the namespace scripts."""
    return document(
        {
            "server": server,
            "exchangeVersion": exchange_version,
            "recycleAppPools": recycle_app_pools,
            "settings": settings,
        },
        credential,
    )


def rotation_document(
    *,
    server: str,
    address: str,
    exchange_version: str,
    in_rotation: bool,
    drain_seconds: int,
    health_seconds: int,
    https_port: int,
    reject_closed_ports: bool,
    names: Mapping[str, Sequence[str]],
    credential: Credential | None = None,
) -> str:
    """The standard input of Set-ClientAccessRotation.ps1: the same order of keys as the script's help.

    `names`: service -> the names under which the gate asks for it.
    """
    return document(
        {
            "server": server,
            "exchangeVersion": exchange_version,
            "inRotation": in_rotation,
            "rejectClosedPorts": reject_closed_ports,
            "drainSeconds": drain_seconds,
            "health": {"address": address, "port": https_port, "seconds": health_seconds, "names": names},
        },
        credential,
    )


def document(content: Mapping[str, Any], credential: Credential | None) -> str:
    """A script's standard input: indented, so that a diff shows each setting on its line.

    `credential` (userName, password) goes only to servers that are logged on to with a key: Windows gives such a
    session no credential for the network.
    """
    return json.dumps({**content, **({"credential": credential} if credential else {})}, indent=2)


def host_key(server: str, output: str | None) -> str:
    """The host key in the last line that Enable-OpenSsh.ps1 printed. Raises ValueError that names the server."""
    lines = (output or "").strip().splitlines()
    try:
        return str(json.loads(lines[-1])["hostKey"])
    except (IndexError, KeyError, TypeError, ValueError):
        raise ValueError(
            f"Azure holds no SSH host key of {server}: the run command EnableOpenSsh printed none, or the virtual "
            "machine does not run. Start it, or write its key into the stack file as hostKey."
        ) from None


def changes(output: str) -> dict[str, dict[str, str]]:
    """Which settings a run of the namespace script changed: service.setting -> before and after."""
    return {
        f"{service}.{setting}": {"before": str(value["before"]), "after": str(value["after"])}
        for service, settings in json.loads(output)["settings"].items()
        for setting, value in settings.items()
        if value["changed"]
    }
