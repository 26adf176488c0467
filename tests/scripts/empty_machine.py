"""A machine without Exchange, its packages and media, and calls of Install-ExchangeServer.ps1 until it is done.

The phases directory, setup and finish are replaced: setup writes a file, and what it saw of the media into it.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.windows_restart import kill_task, restart_windows, wants_restart
from rehearsal.stand_ins.windows_state import change_state, new_windows
from tests.scripts.servers import SCRIPTS, Outcome, Servers

USER, PASSWORD = "EXAMPLE\\installer", "Canary-Passw0rd!"
TASK = "ExchangeCasInstallation"
PATIENCE = 60  # seconds until a task of the stand-in has ended
SOFTWARE = "HKLM:\\SOFTWARE\\Microsoft"
# Below the drive C: of the machine.
FOLDER = "C/ProgramData/ExchangeCas/installation"
BUILDS = {"2013": "15.00.1497.002", "2016": "15.01.2507.006", "2019": "15.02.1748.008", "SE": "15.02.2562.017"}
CBS = f"{SOFTWARE}\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending"
RENAMES = "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\PendingFileRenameOperations"
NET = f"{SOFTWARE}\\NET Framework Setup\\NDP\\v4\\Full"
VISUAL_C = "/install /quiet /norestart"
# What each installer wants, and what it writes into the registry, by the documents of its maker.
PACKAGES: dict[str, dict[str, Any]] = {
    "net472": {
        "arguments": "/q /norestart",
        "registry": {NET: {"Release": 461808}},
        "exitCode": 3010,
        "marks": [RENAMES],
    },
    "net48": {"arguments": "/q /norestart", "registry": {NET: {"Release": 528040}}, "exitCode": 3010},
    "ucma": {
        "arguments": "/quiet /norestart",
        "needs": ["Server-Media-Foundation", "Desktop-Experience"],
        "registry": {f"{SOFTWARE}\\UCMA\\{{902F4F35-D5DC-4363-8671-D5EF0D26C21D}}": {}},
        "looks": 2,
    },
    "vc2012": {"arguments": VISUAL_C, "registry": {f"{SOFTWARE}\\VisualStudio\\11.0\\VC\\Runtimes\\x64": {}}},
    "vc2013": {
        "arguments": VISUAL_C,
        "registry": {f"{SOFTWARE}\\VisualStudio\\12.0\\VC\\Runtimes\\x64": {}},
        "exitCode": 3010,
        "marks": [RENAMES],
    },
    "urlRewrite": {
        "arguments": "/quiet /norestart",
        "needs": ["Web-Server"],
        "registry": {f"{SOFTWARE}\\IIS Extensions\\URL Rewrite": {}},
    },
}
REPLACED = """
$seen = Join-Path $env:ProgramData 'installed'
function Assert-DirectoryAllowed { $null = $args }
function Test-DirectoryPhase { $true }
function Test-SetupRunning { $false }
function Test-SetupPhase { Test-Path -LiteralPath $seen }
function Start-SetupPhase {
    $setup = Join-Path (Get-MediaRoot -Installation $args[0]) 'Setup.exe'
    [System.IO.File]::WriteAllText($seen, "$((Get-Item -LiteralPath $setup).VersionInfo.ProductVersion)")
}
function Test-FinishPhase { Test-SetupPhase }
"""


def copy_with_replaced_phases(folder: Path) -> Path:
    """Install-ExchangeServer.ps1 in a copy of the scripts whose last three phases are replaced."""
    shutil.copytree(SCRIPTS, folder)
    with (folder / "Installation.ps1").open("a", encoding="utf-8") as file:
        file.write(REPLACED)
    return folder / "Install-ExchangeServer.ps1"


class _Handler(SimpleHTTPRequestHandler):
    asked: list[str]

    def log_request(self, *_: object) -> None:
        self.asked.append(self.path.removeprefix("/"))


class Machine:
    """ex1, a new Windows with a web server that offers packages and media."""

    def __init__(self, servers: Servers, script: Path, web: Path, port: int) -> None:
        self.servers, self.script, self.web, self.url = servers, script, web, f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.states: list[str] = []
        self.root = servers.root("ex1")
        self.packages = {name: self.offer(name, json.dumps(package).encode()) for name, package in PACKAGES.items()}

    def offer(self, name: str, content: bytes) -> dict[str, str]:
        (self.web / name).write_bytes(content)
        return {"url": f"{self.url}/{name}", "sha256": hashlib.sha256(content).hexdigest()}

    def boot(self, build: int, *, domain: str | None = "example.com", core: bool = False, **other: Any) -> None:
        hashed = hashlib.sha256(PASSWORD.encode()).hexdigest().upper()
        state = {**new_windows(build, domain=domain, core=core), "accounts": {USER: hashed}, **other}
        self.servers.windows("ex1", **state)

    def change(self, **values: Any) -> None:
        change_state(self.root, **values)

    @property
    def state(self) -> dict[str, Any]:
        return self.servers.windows_state("ex1")

    def media(self, folder: Path, version: str, **other: Any) -> Path:
        """The content of media: what this machine and the stand-in of setup look at."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "media.json").write_text(json.dumps({"version": version, **other}), encoding="utf-8")
        for name in ("Setup.exe", "ExchangeServer.msi"):
            (folder / name).write_bytes(b"")
        (folder / "UCMARedist").mkdir(exist_ok=True)
        (folder / "UCMARedist/Setup.exe").write_text(json.dumps(PACKAGES["ucma"] | {"needs": []}), encoding="utf-8")
        return folder

    def image(self, file: Path, version: str, **other: Any) -> str:
        """An ISO file: its SHA-256."""
        folder = self.media(file.with_suffix(""), version, **other)
        file.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(file, "w") as archive:
            for entry in sorted(folder.rglob("*")):
                archive.write(entry, str(entry.relative_to(folder)))
        shutil.rmtree(folder)
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def document(self, version: str = "2016", **changes: Any) -> dict[str, Any]:
        return {
            "server": "ex1",
            "exchangeVersion": version,
            "begin": False,
            "credential": {"userName": USER, "password": PASSWORD},
            "media": {"path": "C:\\Media"},
            "roles": ["ClientAccess", "Mailbox"],
            "organisationName": None,
            "prepareActiveDirectory": False,
            "targetDir": None,
            "extendedProtection": True,
            "packages": self.packages,
            "serviceUri": None,
            **changes,
        }

    def call(self, document: dict[str, Any]) -> Outcome:
        """One call, over a session without network credentials."""
        outcome = self.servers.run(self.script, document, logon="key")
        if outcome.exit_code != 2:
            self.states.append(outcome.report["state"])
        return outcome

    def install(self, document: dict[str, Any], *, most: int = 12) -> Outcome:
        """Calls until the state is complete or failed; restarts the machine when a script asks for it."""
        outcome = self.call(document | {"begin": True})
        for _ in range(most):
            if outcome.exit_code or outcome.report["state"] == "complete":
                return outcome
            self.await_task()
            if wants_restart(self.root):
                self.restart()
            outcome = self.call(document)
        raise AssertionError(f"not done after {most} calls: {self.states}, {outcome.report}")

    def restart(self) -> None:
        restart_windows(self.root)

    def kill(self) -> None:
        kill_task(self.state["tasks"][TASK])
        self.await_task()

    def await_task(self) -> None:
        pid = self.state.get("tasks", {}).get(TASK, {}).get("pid")
        try:
            process = os.pidfd_open(pid) if pid else None
        except ProcessLookupError:
            return
        if process is not None:
            ended = select.select([process], [], [], PATIENCE)[0]
            os.close(process)
            assert ended, "the task did not end"

    def await_hold(self, cmdlet: str) -> None:
        """Until the task waits inside this cmdlet, which the state's `holds` names."""
        until = time.monotonic() + PATIENCE
        while not (self.root / f"held-{cmdlet}").exists():
            assert time.monotonic() < until, f"{cmdlet} was not called: {self.progress()}"
            time.sleep(0.02)

    def progress(self) -> str:
        file = self.root / FOLDER / "progress.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""


@contextmanager
def running_machine(servers: Servers, script: Path) -> Iterator[Machine]:
    web = servers.folder / "web"
    web.mkdir()
    handler = type("Handler", (_Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(web)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    machine = Machine(servers, script, web, server.server_port)
    machine.asked = handler.asked  # type: ignore[attr-defined]
    try:
        yield machine
        machine.await_task()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
