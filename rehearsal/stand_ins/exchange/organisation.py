"""The Exchange organisation of the stand-in: readable JSON files in a folder, shared by all its servers."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.powershell import lookup
from rehearsal.stand_ins.exchange import components
from rehearsal.stand_ins.exchange.fresh_server import fresh_server
from rehearsal.stand_ins.exchange.state_files import locked, read, write

HERE = Path(__file__).parent
PASSWORD_ITERATIONS = 10_000
# .NET's, in a second.
TICKS = 10_000_000
# What the scripts' documents name; the state holds more (the Autodiscover virtual directory, for one).
SETTINGS = {
    **dict.fromkeys(("owa", "ecp", "ews", "oab", "activesync"), ("InternalUrl", "ExternalUrl")),
    "mapi": ("InternalUrl", "ExternalUrl", "IISAuthenticationMethods"),
    "autodiscover": ("AutoDiscoverServiceInternalUri",),
    "outlookAnywhere": (
        "InternalHostname",
        "ExternalHostname",
        "InternalClientsRequireSsl",
        "ExternalClientsRequireSsl",
        "InternalClientAuthenticationMethod",
        "ExternalClientAuthenticationMethod",
        "SSLOffloading",
    ),
}


@dataclass(frozen=True, kw_only=True)
class CmdletCall:
    """A cmdlet call: when, in seconds, on which computer, its parameters; of a credential only the user name."""

    at: float
    server: str
    cmdlet: str
    parameters: Mapping[str, Any]


class Organisation:
    """The organisation kept in `folder`, which may exist already. Any number of processes may use it at a time."""

    def __init__(self, folder: Path, *, replication_seconds: float = 15) -> None:
        """`replication_seconds`: how long one domain controller lags behind the other (a new folder only)."""
        self._folder = folder.resolve()
        for part in ("servers", "calls", "locks"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        with self._locked("organisation"):
            if not self._file.exists():
                controllers = ["dc1.corp.example", "dc2.corp.example"]
                fresh = {"replicationSeconds": replication_seconds, "accounts": {}, "sessions": [], "withheld": []}
                write(self._file, {"domainControllers": controllers, **fresh})

    def add_server(self, computer_name: str, *, version: str = "2016", domain: str = "corp.example") -> None:
        """Installs Exchange: 2013RTM, 2013, 2016, 2019 or SE, with the settings of a fresh installation."""
        controllers = read(self._file)["domainControllers"]
        state = fresh_server(name=computer_name, version=version, domain=domain, domain_controllers=controllers)
        with self._locked(computer_name):
            write(self._server_file(computer_name), state)

    def remove_server(self, computer_name: str) -> None:
        """Takes the server out of the organisation; one that is not there is left at that."""
        with self._locked(computer_name):
            self._server_file(computer_name).unlink(missing_ok=True)

    def add_account(self, name: str, password: str) -> None:
        """An administrator of Exchange; a known name gets the new password."""
        salt = secrets.token_bytes(16)
        digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, PASSWORD_ITERATIONS)
        account = {"salt": salt.hex(), "iterations": PASSWORD_ITERATIONS, "hash": digest.hex()}
        with self._changed(self._file) as state:
            state["accounts"][name.lower()] = account

    def settings(self, computer_name: str) -> dict[str, dict[str, Any]]:
        """Service -> setting -> value as last written, replicated or not. Raises KeyError without Exchange."""
        state = self._server(computer_name)
        controller, objects = next(iter(state["copies"].items()))
        for change in state["pending"]:
            if change["to"] == controller:
                objects[change["object"]].update(change["values"])
        return {
            service: {setting: objects[service][setting] for setting in settings}
            for service, settings in SETTINGS.items()
            if service in objects
        }

    def change(self, computer_name: str, service: str, setting: str, value: object) -> None:
        """Changes a setting behind everybody's back, on every domain controller: drift."""
        with self._changed(self._server_file(computer_name)) as state:
            for objects in state["copies"].values():
                if setting not in objects[service]:
                    raise KeyError(setting)
                objects[service][setting] = value
            for change in state["pending"]:
                if change["object"] == service:
                    change["values"].pop(setting, None)

    def fqdn(self, computer_name: str) -> str:
        return str(self._server(computer_name)["fqdn"])

    def version(self, computer_name: str) -> str:
        """As Get-ExchangeServer shows it: Version 15.1 (Build 2507.6). Raises KeyError without Exchange."""
        return str(self._server(computer_name)["adminDisplayVersion"])

    def marks(self, computer_name: str) -> components.Marks:
        """Component -> requester -> the state that it set: the worse one of registry and Active Directory."""
        return components.marks(self._server(computer_name)["components"])

    def component_states(self, computer_name: str) -> dict[str, str]:
        """Component -> the state that counts: Active, Draining or Inactive. Raises KeyError without Exchange."""
        return components.effective(self._server(computer_name)["components"])

    def set_component(
        self, computer_name: str, component: str, state: str, requester: str, *, only: str | None = None
    ) -> None:
        """As Set-ServerComponentState: only the requester that put a component down can put it up again.

        `only`: "local" as with -LocalOnly, "remote" as with -RemoteOnly.
        """
        with self._changed(self._server_file(computer_name)) as server:
            places = (only,) if only else components.PLACES
            components.mark(server["components"], component, state, requester, places)

    def is_active(self, computer_name: str, service: str) -> bool:
        """Whether a service answers. Raises KeyError without Exchange, or for what is no service."""
        return self.component_states(computer_name).get(components.PROXIES[service]) == "Active"

    def fail(self, computer_name: str, cmdlet: str, message: str | None, *, after: int = 0) -> None:
        """Lets a cmdlet of Exchange fail with this message; with None it says and does nothing.

        So do Restart-WebAppPool, the module WebAdministration, and Restart-Service with the service's name behind it.
        `after`: how many calls go well.
        """
        with self._changed(self._server_file(computer_name)) as state:
            state["faults"][cmdlet] = {"message": message, "after": after}

    def mend(self, computer_name: str, cmdlet: str) -> None:
        """Lets it fail no more."""
        with self._changed(self._server_file(computer_name)) as state:
            del state["faults"][cmdlet]

    def fault(self, computer_name: str, cmdlet: str) -> str | None:
        """The message that `fail` lets this cmdlet fail with, if any. What is to fail later counts as well."""
        fault: dict[str, Any] = self._server(computer_name)["faults"].get(cmdlet, {})
        return fault.get("message")

    def ignores(self, computer_name: str, cmdlet: str) -> bool:
        """Whether this cmdlet says and does nothing."""
        return self._server(computer_name)["faults"].get(cmdlet, {}).get("message", "") is None

    def app_pools(self, computer_name: str) -> dict[str, str]:
        """Application pool -> Started or Stopped."""
        pools: dict[str, str] = self._server(computer_name)["appPools"]
        return pools

    def set_app_pool(self, computer_name: str, pool: str, state: str | None) -> None:
        """Started or Stopped; None removes the pool."""
        with self._changed(self._server_file(computer_name)) as server:
            server["appPools"].pop(pool, None)
            if state is not None:
                server["appPools"][pool] = state

    def withhold(self, *cmdlets: str) -> None:
        """The accounts' roles no longer include these cmdlets."""
        with self._changed(self._file) as state:
            state["withheld"] = list(cmdlets)

    def open_sessions(self) -> list[str]:
        """Sessions that were opened and never removed."""
        return list(read(self._file)["sessions"])

    def calls(self) -> list[CmdletCall]:
        """Every cmdlet call so far, in order."""
        lines: list[dict[str, Any]] = []
        for log in (self._folder / "calls").iterdir():
            with self._locked(f"calls-{log.stem}"):
                lines += map(json.loads, log.read_text(encoding="utf-8").splitlines())
        lines.sort(key=lambda line: line["time"])
        return [CmdletCall(at=line.pop("time") / TICKS, **line) for line in lines]

    def prepare(
        self,
        script: Path,
        args: Sequence[str],
        *,
        pwsh: str,
        root: Path,
        computer_name: str,
        logon: str,
        names: Path,
        authority: Path | None = None,
    ) -> tuple[list[str], dict[str, str]]:
        """Command line and environment that run `script` as on the server whose drives are in `root`.

        `logon` is how the caller came in, "password" or "key"; `names` a text file, one resolvable name a line;
        `authority` a PEM file, the authorities that the server's certificate store trusts.
        """
        options = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
        argv = [pwsh, *options, "-File", str(HERE / "Invoke-OnServer.ps1"), str(script.resolve()), *args]
        drive = root.resolve() / "C"
        for folder in ("ProgramData", "Program Files", "Windows/System32", "Temp"):
            (drive / folder).mkdir(parents=True, exist_ok=True)
        environment = {
            **lookup.environment(),
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(drive),
            "TMPDIR": str(drive / "Temp"),
            "COMPUTERNAME": computer_name.upper(),
            "ProgramData": str(drive / "ProgramData"),
            "ProgramFiles": str(drive / "Program Files"),
            "SystemRoot": str(drive / "Windows"),
            "EXCHANGE_STANDIN_ORGANISATION": str(self._folder),
            "EXCHANGE_STANDIN_LOGON": logon,
            "EXCHANGE_STANDIN_NAMES": str(names.resolve()),
            "EXCHANGE_STANDIN_ROOT": str(root.resolve()),
        }
        if authority is not None:
            environment["SSL_CERT_FILE"] = str(authority.resolve())
        return argv, environment

    @property
    def _file(self) -> Path:
        return self._folder / "organisation.json"

    def _server_file(self, computer_name: str) -> Path:
        return self._folder / "servers" / f"{computer_name.upper()}.json"

    def _server(self, computer_name: str) -> dict[str, Any]:
        try:
            return read(self._server_file(computer_name))
        except FileNotFoundError:
            raise KeyError(computer_name) from None

    def _locked(self, name: str) -> AbstractContextManager[None]:
        return locked(self._folder / "locks", name)

    @contextmanager
    def _changed(self, file: Path) -> Iterator[dict[str, Any]]:
        with self._locked(file.stem):
            state = read(file)
            yield state
            write(file, state)
