"""The Exchange organisation of the stand-in: readable JSON files in a folder, shared by all its servers."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.exchange import components
from rehearsal.stand_ins.exchange.fresh_server import SETTINGS, new_server_state
from rehearsal.stand_ins.exchange.script_command import build_script_command, build_script_environment
from rehearsal.stand_ins.exchange.state_files import lock_state, read_state_file, write_state_file

PASSWORD_ITERATIONS = 10_000
TICKS = 10_000_000  # of .NET, in a second


@dataclass(frozen=True, kw_only=True)
class CmdletCall:
    """A cmdlet call; `at` in seconds. Of a credential, `parameters` has only the user name."""

    at: float
    server: str
    cmdlet: str
    parameters: Mapping[str, Any]


class Organisation:
    """Kept in `folder`, which may exist. Several processes can use it at the same time."""

    def __init__(self, folder: Path, *, replication_seconds: float = 15) -> None:
        """`replication_seconds`: how far one domain controller lags behind the other; for a new folder only."""
        self._folder = folder.resolve()
        for part in ("servers", "calls", "locks"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        with self._locked("organisation"):
            if not self._file.exists():
                controllers = ["dc1.corp.example", "dc2.corp.example"]
                fresh = {"replicationSeconds": replication_seconds, "accounts": {}, "sessions": [], "withheld": []}
                write_state_file(self._file, {"domainControllers": controllers, **fresh})

    def add_server(self, computer_name: str, *, version: str = "2016", domain: str = "corp.example") -> None:
        """Installs Exchange: 2013RTM, 2013, 2016, 2019 or SE, with the settings of a fresh installation."""
        controllers = read_state_file(self._file)["domainControllers"]
        state = new_server_state(name=computer_name, version=version, domain=domain, domain_controllers=controllers)
        with self._locked(computer_name):
            write_state_file(self._server_file(computer_name), state)

    def remove_server(self, computer_name: str) -> None:
        """Removes the server from the organisation, if it is there."""
        with self._locked(computer_name):
            self._server_file(computer_name).unlink(missing_ok=True)

    def add_account(self, name: str, password: str) -> None:
        """Adds an Exchange administrator; an existing one gets the new password."""
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
        """Makes drift: changes a setting on all domain controllers, outside the scripts."""
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
        return components.merge_marks(self._server(computer_name)["components"])

    def component_states(self, computer_name: str) -> dict[str, str]:
        """Component -> the state that counts: Active, Draining or Inactive. Raises KeyError without Exchange."""
        return components.effective_states(self._server(computer_name)["components"])

    def set_component(
        self, computer_name: str, component: str, state: str, requester: str, *, only: str | None = None
    ) -> None:
        """As Set-ServerComponentState: only the requester that made a component inactive can make it active again.

        `only`: "local" as with -LocalOnly, "remote" as with -RemoteOnly.
        """
        with self._changed(self._server_file(computer_name)) as server:
            places = (only,) if only else components.PLACES
            components.set_mark(server["components"], component, state, requester, places)

    def is_active(self, computer_name: str, service: str) -> bool:
        """Whether a service answers. KeyError without Exchange, or for an unknown service."""
        return self.component_states(computer_name).get(components.PROXIES[service]) == "Active"

    def fail(self, computer_name: str, cmdlet: str, message: str | None, *, after: int = 0) -> None:
        """Makes an Exchange cmdlet fail with this message; with None it silently does nothing.

        Also for Restart-WebAppPool, the module WebAdministration, and Restart-Service followed by a service's name.
        `after`: how many calls succeed first.
        """
        with self._changed(self._server_file(computer_name)) as state:
            state["faults"][cmdlet] = {"message": message, "after": after}

    def mend(self, computer_name: str, cmdlet: str) -> None:
        """Ends `fail`."""
        with self._changed(self._server_file(computer_name)) as state:
            del state["faults"][cmdlet]

    def fault(self, computer_name: str, cmdlet: str) -> str | None:
        """The message of `fail` for this cmdlet, also if it is to fail only after some calls; else None."""
        fault: dict[str, Any] = self._server(computer_name)["faults"].get(cmdlet, {})
        return fault.get("message")

    def ignores(self, computer_name: str, cmdlet: str) -> bool:
        """Whether this cmdlet silently does nothing."""
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

    def certificates(self, computer_name: str) -> dict[str, dict[str, Any]]:
        """Thumbprint -> what Get-ExchangeCertificate shows. Raises KeyError without Exchange."""
        found: dict[str, dict[str, Any]] = self._server(computer_name)["certificates"]
        return found

    def bindings(self, computer_name: str) -> dict[str, dict[str, str]]:
        """Web site -> HTTPS binding -> thumbprint. Raises KeyError without Exchange."""
        found: dict[str, dict[str, str]] = self._server(computer_name)["bindings"]
        return found

    def put_certificate(self, computer_name: str, thumbprint: str, **shown: object) -> None:
        """Puts a certificate into the server's store, or changes what Get-ExchangeCertificate shows of it."""
        with self._changed(self._server_file(computer_name)) as state:
            state["certificates"].setdefault(thumbprint, {"services": [], "isSelfSigned": False}).update(shown)

    def bind(self, computer_name: str, site: str, thumbprint: str) -> None:
        """Gives every HTTPS binding of a web site this certificate."""
        with self._changed(self._server_file(computer_name)) as state:
            state["bindings"][site] = dict.fromkeys(state["bindings"][site], thumbprint)

    def withhold(self, *cmdlets: str) -> None:
        """Removes these cmdlets from the roles of all accounts."""
        with self._changed(self._file) as state:
            state["withheld"] = list(cmdlets)

    def open_sessions(self) -> list[str]:
        """Sessions that were opened and not removed."""
        return list(read_state_file(self._file)["sessions"])

    def calls(self) -> list[CmdletCall]:
        """All cmdlet calls so far, in order."""
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

        See `build_script_environment` for the other arguments.
        """
        environment = build_script_environment(
            self._folder, root=root, computer_name=computer_name, logon=logon, names=names, authority=authority
        )
        environment["EXCHANGE_STANDIN_PWSH"] = pwsh
        return build_script_command(pwsh, script, args), environment

    @property
    def _file(self) -> Path:
        return self._folder / "organisation.json"

    def _server_file(self, computer_name: str) -> Path:
        return self._folder / "servers" / f"{computer_name.upper()}.json"

    def _server(self, computer_name: str) -> dict[str, Any]:
        try:
            return read_state_file(self._server_file(computer_name))
        except FileNotFoundError:
            raise KeyError(computer_name) from None

    def _locked(self, name: str) -> AbstractContextManager[None]:
        return lock_state(self._folder / "locks", name)

    @contextmanager
    def _changed(self, file: Path) -> Iterator[dict[str, Any]]:
        with self._locked(file.stem):
            state = read_state_file(file)
            yield state
            write_state_file(file, state)
