"""How a script of the project starts on a server of the stand-in: command line and environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rehearsal.powershell import lookup

LAUNCHER = Path(__file__).with_name("Invoke-OnServer.ps1")


def build_script_command(pwsh: str, script: Path, args: Sequence[str]) -> list[str]:
    options = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
    return [pwsh, *options, "-File", str(LAUNCHER), str(script.resolve()), *args]


def build_script_environment(
    organisation: Path, *, root: Path, computer_name: str, logon: str, names: Path, authority: Path | None
) -> dict[str, str]:
    """The environment on the server whose drives are in `root`; creates the folders that Windows has there.

    `organisation`: the folder of the organisation's state. `logon`: how the caller logged on, "password" or "key".
    `names`: a text file with one resolvable name a line. `authority`: a PEM file with the authorities that the server
    trusts.
    """
    drive = root.resolve() / "C"
    for folder in ("ProgramData", "Program Files", "Windows/System32", "Temp"):
        (drive / folder).mkdir(parents=True, exist_ok=True)
    environment = {
        **lookup.powershell_environment(),
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(drive),
        "TMPDIR": str(drive / "Temp"),
        "COMPUTERNAME": computer_name.upper(),
        "ProgramData": str(drive / "ProgramData"),
        "ProgramFiles": str(drive / "Program Files"),
        "SystemDrive": str(drive),
        "SystemRoot": str(drive / "Windows"),
        "EXCHANGE_STANDIN_PYTHON": sys.executable,
        "EXCHANGE_STANDIN_ORGANISATION": str(organisation),
        "EXCHANGE_STANDIN_LOGON": logon,
        "EXCHANGE_STANDIN_NAMES": str(names.resolve()),
        "EXCHANGE_STANDIN_ROOT": str(root.resolve()),
    }
    if authority is not None:
        environment["SSL_CERT_FILE"] = str(authority.resolve())
    return environment
