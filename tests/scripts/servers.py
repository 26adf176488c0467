"""Servers of the Exchange stand-in for the tests, and the document they are sent."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import powershell
from rehearsal.stand_ins.exchange import Organisation

SCRIPTS = Path(__file__).parents[2] / "components/scripts"
SET, GET, RESTORE = (SCRIPTS / f"{verb}-ClientAccessNamespace.ps1" for verb in ("Set", "Get", "Restore"))
ROTATE = SCRIPTS / "Set-ClientAccessRotation.ps1"
CERTIFY = SCRIPTS / "Set-ClientAccessCertificate.ps1"
# What the command provider runs, each with a document on standard input.
READING = {script.name for script in (SET, GET, RESTORE, ROTATE, CERTIFY)}
ORIGINALS = "C/ProgramData/ExchangeCas/original-namespace.json"
ADDRESS = "127.40.0.11"
# How the lines on standard error begin that tell of a rotation's step.
STEPS_TOLD = ("HubTransport:", "UMCallRouter:", "MSExchangeTransport:", "W3SVC:", "ServerWideOffline")
NAMES = ("mail.example.com", "autodiscover.example.com")

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a script ended, and what it reported."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        return powershell.read_report(self.stdout, "server")

    @property
    def printed(self) -> dict[str, Any]:
        """What a script of the tests printed, which has no marks."""
        printed: dict[str, Any] = json.loads(self.stdout)
        return printed


class Servers:
    """The servers of one organisation below `folder`."""

    def __init__(self, folder: Path, pwsh: str) -> None:
        self.folder = folder
        self.organisation = Organisation(folder / "organisation")
        self.pwsh = pwsh
        self.authority: Path | None = None
        self.resolvable(*NAMES)

    def resolvable(self, *names: str) -> None:
        (self.folder / "names.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")

    def root(self, server: str) -> Path:
        return self.folder / server

    def windows(self, server: str, **state: object) -> None:
        """Writes the state of the server's Windows: build, processes, capability."""
        self.root(server).mkdir(exist_ok=True)
        (self.root(server) / "windows.json").write_text(json.dumps(state), encoding="utf-8")

    def windows_state(self, server: str) -> dict[str, Any]:
        file = self.root(server) / "windows.json"
        state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return state

    def run(
        self,
        script: Path,
        document: object = None,
        *arguments: str,
        server: str = "ex1",
        logon: str = "password",
        stdin: bytes | None = None,
    ) -> Outcome:
        argv, environment = self.organisation.prepare(
            script,
            arguments,
            pwsh=self.pwsh,
            root=self.root(server),
            computer_name=server,
            logon=logon,
            names=self.folder / "names.txt",
            authority=self.authority,
        )
        text = json.dumps(document).encode() if stdin is None else stdin
        done, left = run_with_input(argv, environment, text)
        # The command provider fails a run that leaves input unread or writes what is not UTF-8, however it ended.
        assert left == 0 or script.name not in READING, f"{left} bytes of the input were left unread"
        return Outcome(exit_code=done.returncode, stdout=done.stdout.decode(), stderr=done.stderr.decode())

    def run_all(self, runs: Sequence[tuple[Path, Document, str]], *, at_a_time: int = 2) -> list[Outcome]:
        """(script, document, server) of each run."""
        with ThreadPoolExecutor(at_a_time) as pool:
            return list(pool.map(lambda run: self.run(run[0], run[1], server=run[2]), runs))

    def state_file(self, server: str) -> Path:
        return self.folder / "organisation/servers" / f"{server.upper()}.json"

    def remove_object(self, server: str, service: str) -> None:
        """As when a virtual directory was removed by hand."""
        state = json.loads(self.state_file(server).read_text(encoding="utf-8"))
        for objects in state["copies"].values():
            del objects[service]
        self.state_file(server).write_text(json.dumps(state), encoding="utf-8")

    def cmdlets(self, *, after: int = 0) -> list[str]:
        return [call.cmdlet for call in self.organisation.calls()[after:]]

    def writes(self, *, after: int = 0) -> list[str]:
        return [cmdlet for cmdlet in self.cmdlets(after=after) if cmdlet.startswith("Set-")]


def run_with_input(
    argv: Sequence[str], environment: Mapping[str, str], text: bytes
) -> tuple[subprocess.CompletedProcess[bytes], int]:
    """How it ended, and how many bytes of its input it left unread."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as filled, suppress(BlockingIOError):
            os.set_blocking(writing, False)
            filled.write(text)
            filled.flush()
        done = subprocess.run(argv, env=environment, stdin=reading, capture_output=True, timeout=120, check=False)
        return done, int.from_bytes(fcntl.ioctl(reading, termios.FIONREAD, bytes(4)), sys.byteorder)
    finally:
        os.close(reading)


def altered(folder: Path, script: Path, part: str, changes: Mapping[str, str]) -> Path:
    """This script in a copy of the folder, where each of these texts, which is there once, is another in `part`."""
    shutil.copytree(SCRIPTS, folder)
    text = (folder / part).read_text(encoding="utf-8-sig")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / part).write_text(text, encoding="utf-8-sig")
    return folder / script.name


def document(server: str = "ex1", version: str = "2016", **changes: object) -> Document:
    """A document that names every setting; `changes` replaces keys of it."""
    return {
        "server": server,
        "exchangeVersion": version,
        "recycleAppPools": True,
        "settings": namespace(),
        **changes,
    }


def rotation(port: int, *, in_rotation: bool, version: str = "2016", **changes: object) -> Document:
    """A document for ex1 at 127.40.0.11, with short times; `changes` replaces keys of it."""
    names = {service: [NAMES[0]] for service in namespace()} | {"autodiscover": [NAMES[1]]}
    return {
        "server": "ex1",
        "exchangeVersion": version,
        "inRotation": in_rotation,
        "rejectClosedPorts": False,
        "drainSeconds": 0,
        "health": {"seconds": 0, "address": ADDRESS, "port": port, "names": names},
        **changes,
    }


def namespace() -> dict[str, dict[str, Any]]:
    def urls(path: str) -> dict[str, Any]:
        return dict.fromkeys(("InternalUrl", "ExternalUrl"), f"https://mail.example.com/{path}")

    return {
        "owa": urls("owa"),
        "ecp": urls("ecp"),
        "ews": urls("EWS/Exchange.asmx"),
        "oab": urls("OAB"),
        "activesync": urls("Microsoft-Server-ActiveSync"),
        "mapi": {**urls("mapi"), "IISAuthenticationMethods": ["Ntlm", "OAuth", "Negotiate"]},
        "autodiscover": {
            "AutoDiscoverServiceInternalUri": "https://autodiscover.example.com/autodiscover/autodiscover.xml"
        },
        "outlookAnywhere": {
            "InternalHostname": "mail.example.com",
            "ExternalHostname": "mail.example.com",
            "InternalClientsRequireSsl": True,
            "ExternalClientsRequireSsl": True,
            "InternalClientAuthenticationMethod": "Ntlm",
            "ExternalClientAuthenticationMethod": "Ntlm",
            "SSLOffloading": False,
        },
    }


def before_and_after(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [entry for service in report["settings"].values() for entry in service.values()]
