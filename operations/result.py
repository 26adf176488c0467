"""The result of one check, and the exit code of many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    FINE = "fine"
    DIFFERENT = "different"
    UNSEEN = "could not look"
    # Shown only; it does not count for the exit code.
    SHOWN = "shown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`subject` names what was checked, `detail` says what differs or why the check failed."""

    state: State
    detail: str = ""

    @property
    def subject(self) -> str:
        raise NotImplementedError


def exit_code(findings: Iterable[Finding]) -> int:
    """2 if anything could not be checked, else 1 if anything differs, else 0."""
    states = {finding.state for finding in findings}
    return 2 if State.UNSEEN in states else 1 if State.DIFFERENT in states else 0
