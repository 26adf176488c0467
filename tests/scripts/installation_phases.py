"""One server of the stand-in on which Exchange is to be installed, and one phase of its installation."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.exchange.directory import Directory
from rehearsal.stand_ins.exchange.setup.machine import EXCHANGE_KEY
from rehearsal.stand_ins.exchange.setup.releases import find_release
from rehearsal.stand_ins.windows_state import NET_KEY
from tests.scripts.empty_machine import BUILDS
from tests.scripts.servers import SCRIPTS, Servers

PHASE = Path(__file__).with_name("installation_phase.ps1")
SERVICE_URI = "https://autodiscover.example.com/autodiscover/autodiscover.xml"
USER = "CORP\\operator"
PACKAGE_KEYS = (
    r"HKLM:\SOFTWARE\Microsoft\VisualStudio\12.0\VC\Runtimes\x64",
    r"HKLM:\SOFTWARE\Microsoft\UCMA\{902F4F35-D5DC-4363-8671-D5EF0D26C21D}",
    r"HKLM:\SOFTWARE\Microsoft\IIS Extensions\URL Rewrite",
)


# What the tests wait shorter for, by the name of the part.
TIMES = {
    "SetupRun": {"$SetupPollMilliseconds = 5000": "$SetupPollMilliseconds = 20"},
    "Directory": {"$DirectoryWaitSeconds = 1200": "$DirectoryWaitSeconds = 0"},
    "Finish": {"$FinishSeconds = 900": "$FinishSeconds = 0"},
}


def copy_scripts(folder: Path) -> Path:
    """The project's scripts with shorter times."""
    shutil.copytree(SCRIPTS, folder)
    for part, changes in TIMES.items():
        file = folder / f"Installation.{part}.ps1"
        text = file.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return folder


class Installing:
    """EX1 with all prerequisites, the operator as an administrator of everything, and the media of `version`."""

    def __init__(
        self, servers: Servers, scripts: Path, version: str, *, prepared: bool = True, **document: Any
    ) -> None:
        self.servers = servers
        self.scripts = scripts
        self.version = version
        self.release = find_release(BUILDS[version])
        self.directory = Directory(servers.folder / "organisation")
        self.directory.set_replication(0)
        self.directory.set_group_members(USER, "Schema Admins", "Enterprise Admins", "Organization Management")
        if prepared:
            self.prepare_directory()
        self.media = servers.folder / "media"
        self.media.mkdir()
        (self.media / "Setup.exe").touch()
        self.set_media()
        registry: dict[str, Any] = {key: {"Version": "1"} for key in PACKAGE_KEYS}
        registry[NET_KEY] = {"Release": 528040}
        features = dict.fromkeys([*self.release.features(), "RSAT-AD-PowerShell"], True)
        servers.windows("ex1", features=features, registry=registry, processes=[], domain="corp.example")
        self.folder = servers.root("ex1") / "C/ProgramData/ExchangeCas/installation"
        self.folder.mkdir(parents=True)
        self.write_document(**document)

    def prepare_directory(self) -> None:
        release = self.release
        self.directory.prepare(
            schema=release.schema, domain=release.domain, organisation=release.organisation, name="Example"
        )

    def set_media(self, version: str | None = None, **faults: Any) -> None:
        text = json.dumps({"version": version or BUILDS[self.version], "seconds": 0, "faults": faults})
        (self.media / "media.json").write_text(text, encoding="utf-8")

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Setup goes on at the end, also of a test that fails: what runs it can be waited for then."""
        try:
            yield
        finally:
            self.resume()

    def hold(self, phase: str) -> None:
        """Setup waits in this phase until `resume`."""
        self.set_media(holdAt=phase)
        (self.media / "hold").touch()

    def resume(self) -> None:
        (self.media / "hold").unlink(missing_ok=True)

    def write_document(self, **changes: Any) -> None:
        document = {
            "server": "EX1",
            "exchangeVersion": self.version,
            "media": {"path": "D:\\"},
            "roles": ["ClientAccess", "Mailbox"] if self.version == "2013" else ["Mailbox"],
            "organisationName": None,
            "prepareActiveDirectory": False,
            "targetDir": None,
            "extendedProtection": True,
            "packages": None,
            "serviceUri": SERVICE_URI,
            **changes,
        }
        (self.folder / "installation.json").write_text(json.dumps(document), encoding="utf-8")

    def run(self, phase: str) -> dict[str, Any]:
        """state, text and complete."""
        with self.running(phase) as process:
            output, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        ended: dict[str, Any] = json.loads(output)
        return ended

    def command(self, phase: str) -> tuple[list[str], dict[str, str]]:
        """Command line and environment, as of the task of the operator."""
        arguments = ["-Scripts", str(self.scripts), "-Phase", phase, "-Media", str(self.media)]
        argv, environment = self.servers.organisation.prepare(
            PHASE,
            arguments,
            pwsh=self.servers.pwsh,
            root=self.servers.root("ex1"),
            computer_name="ex1",
            logon="password",
            names=self.servers.folder / "names.txt",
        )
        domain, name = USER.split("\\")
        return argv, environment | {"USERDOMAIN": domain, "USERNAME": name}

    @contextmanager
    def running(self, phase: str) -> Iterator[subprocess.Popen[str]]:
        argv, environment = self.command(phase)
        pipe = subprocess.PIPE
        with (
            subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process,
            self.holding(),
        ):
            yield process

    @property
    def progress(self) -> str:
        return (self.folder / "progress.log").read_text(encoding="utf-8")

    @property
    def log(self) -> Path:
        return self.servers.root("ex1") / "C/ExchangeSetupLogs/ExchangeSetup.log"

    def role(self, name: str) -> Mapping[str, Any]:
        values: Mapping[str, Any] = self.registry.get(f"{EXCHANGE_KEY}\\{name}", {})
        return values

    @property
    def registry(self) -> dict[str, Any]:
        registry: dict[str, Any] = windows_state.read_state(self.servers.root("ex1"))["registry"]
        return registry

    def change_registry(self, key: str, **values: Any) -> None:
        windows_state.change_state(self.servers.root("ex1"), registry={**self.registry, key: values})

    def scp(self, controller: str = "dc1.corp.example") -> str | None:
        dn = self.directory.scp_dn(controller, "EX1")
        return self.directory.objects(controller)[dn]["serviceBindingInformation"][0] if dn else None
