"""What Install-ExchangeServer.ps1 does and answers, on a computer without PowerShell.

The server's task is done between two calls. Media, packages and Active Directory are not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.script_results import FAILURE, FailedError, format_failure, refuse_document

FOLDER = "C/ProgramData/ExchangeCas/installation"
PHASES = ("features", "packages", "restart", "media", "directory", "setup", "finish")
KEYS = (
    "server",
    "exchangeVersion",
    "begin",
    "credential",
    "media",
    "roles",
    "organisationName",
    "prepareActiveDirectory",
    "targetDir",
    "extendedProtection",
    "packages",
    "serviceUri",
)
VERSIONS = ("2013", "2016", "2019", "SE")


def new_installation_report() -> dict[str, Any]:
    return {"state": "failed", "phase": "domain", "progress": [], "restarts": 0}


def check_installation_document(request: Mapping[str, Any]) -> None:
    """Raises FailedError with all problems, in the words of the script."""
    problems = list(_find_problems(request))
    if problems:
        raise refuse_document(problems)


def _find_problems(request: Mapping[str, Any]) -> Iterator[str]:
    version = request.get("exchangeVersion")
    if version not in VERSIONS:
        yield f'exchangeVersion: {json.dumps(version)} is not among "2013", "2016", "2019", "SE"'
    for key in request:
        if key not in KEYS:
            yield f"{key}: unknown key; known are {', '.join(KEYS)}"
    if request.get("credential") is None:
        yield "credential: missing; the scheduled task needs userName and password of a domain account"
    for key in ("begin", "prepareActiveDirectory", "extendedProtection"):
        if not isinstance(request.get(key), bool):
            yield f"{key}: neither true nor false"
    media = request.get("media")
    if not isinstance(media, Mapping):
        yield "media: missing; give path or url"
    else:
        if (media.get("path") is None) == (media.get("url") is None):
            yield "media: give either path or url"
        if media.get("url") is not None and media.get("sha256") is None:
            yield "media.sha256: missing; a download needs it"
    if not request.get("roles"):
        yield "roles: missing or empty; give ClientAccess, Mailbox or both"


@dataclass(kw_only=True)
class InstallationRun:
    """One call for one server; fills `report`. `notes` stays empty: what people read is in `progress`."""

    request: Mapping[str, Any]
    organisation: Organisation
    computer_name: str
    root: Path
    report: dict[str, Any]
    notes: list[str]

    def run(self) -> None:
        """Raises FailedError."""
        try:
            self._advance()
        finally:
            self.report["progress"] = self._progress.read_text().splitlines() if self._progress.exists() else []

    @property
    def _task(self) -> Path:
        """The document of a task that was started and is not done."""
        return self.root / FOLDER / "installation.json"

    @property
    def _progress(self) -> Path:
        return self.root / FOLDER / "progress.log"

    def _advance(self) -> None:
        if self._task.exists():
            self._install()
            self._task.unlink()
        elif not self._has_exchange():
            self._start()
            self.report |= {"state": "running", "phase": PHASES[0]}
            return
        self.report |= {"state": "complete", "phase": PHASES[-1]}

    def _has_exchange(self) -> bool:
        try:
            self.organisation.version(self.computer_name)
        except KeyError:
            return False
        return True

    def _start(self) -> None:
        self._read_domain()
        self._task.parent.mkdir(parents=True, exist_ok=True)
        kept = {key: value for key, value in self.request.items() if key != "credential"}
        self._task.write_text(json.dumps(kept, indent=2), encoding="utf-8")
        self._progress.unlink(missing_ok=True)
        self._note(PHASES[0], "begins")

    def _install(self) -> None:
        """What the task has done since it was started: a server that is offline until its gate."""
        name, version = self.computer_name, self.request["exchangeVersion"]
        self.organisation.add_server(name, version=version, domain=self._read_domain())
        uri = self.request.get("serviceUri")
        if uri is not None:
            self.organisation.change(name, "autodiscover", "AutoDiscoverServiceInternalUri", uri)
        self.organisation.set_component(name, "ServerWideOffline", "Inactive", "Maintenance")
        for phase in PHASES:
            self._note(phase, "is complete")

    def _read_domain(self) -> str:
        domain = windows_state.read_state(self.root).get("domain")
        if not domain:
            cause = "This machine is not joined to a domain"
            remedy = "Set domain in the stack, or join it to the domain by hand, then run this again."
            raise FailedError(FAILURE, format_failure(self.computer_name.upper(), "domain", cause, remedy))
        return str(domain)

    def _note(self, phase: str, text: str) -> None:
        with self._progress.open("a", encoding="utf-8") as lines:
            lines.write(f"{datetime.now():%H:%M:%S} {phase} {text}\n")
