"""What Install-ExchangeServer.ps1 answers. Its texts are input: cut and cleaned before they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncssh

from components import powershell
from installation.progress import STATES

MOST_LINES, LONGEST_LINE = 50, 400
# What a script ends with that has failed, or was given a wrong document; its standard error says why.
FAILED = (1, 2)


class NotInstalledError(Exception):
    """Exchange is not installed. The text names the server, the cause and the remedy."""


@dataclass(frozen=True, kw_only=True)
class InstallationState:
    """How far the installation is: `state` is running or one of `STATES`, `lines` are the last ones of its log."""

    state: str
    phase: str
    lines: tuple[str, ...]
    restarts: int

    @property
    def complete(self) -> bool:
        return self.state == "complete"


def read_installation_state(server: str, completed: asyncssh.SSHCompletedProcess) -> InstallationState | None:
    """None if the script was interrupted before it could answer. Raises NotInstalledError."""
    code, said = completed.exit_status, clean_lines(str(completed.stderr or "").splitlines())
    if code in FAILED and said:
        raise NotInstalledError("\n".join(said))
    if code == 0:
        return read_installation_report(server, str(completed.stdout))
    if said:
        raise NotInstalledError(f"{server}: Install-ExchangeServer.ps1 ended with {code}: {' '.join(said)}")
    return None


def read_installation_report(server: str, printed: str) -> InstallationState:
    try:
        report: Mapping[str, Any] = powershell.read_report(printed, "state")
    except powershell.NoReportError as error:
        raise NotInstalledError(f"{server}: {error}") from None
    state, lines, restarts = report["state"], report.get("progress"), report.get("restarts")
    if state != "running" and state not in STATES:
        [shown] = clean_lines([str(state)]) or [""]
        raise NotInstalledError(f"{server}: Install-ExchangeServer.ps1 reports the state {shown!r}, which is unknown.")
    return InstallationState(
        state=state,
        phase=" ".join(clean_lines([str(report.get("phase") or "")])),
        lines=tuple(clean_lines(lines if isinstance(lines, list) else [])),
        restarts=restarts if isinstance(restarts, int) else 0,
    )


def clean_lines(lines: list[Any]) -> list[str]:
    """The last lines, without blank ones and without what a terminal would obey."""
    texts = ("".join(one if one.isprintable() else " " for one in str(line)).strip() for line in lines[-MOST_LINES:])
    return [text[:LONGEST_LINE] for text in texts if text]
