"""What came of looking at one thing, and the exit code of many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    FINE = "fine"
    DIFFERENT = "different"
    UNSEEN = "could not look"
    # Not judged: nothing is promised of it.
    SHOWN = "shown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`subject` names what was looked at, `detail` says what differs or why it could not be looked at."""

    state: State
    detail: str = ""

    @property
    def subject(self) -> str:
        raise NotImplementedError


def exit_code(findings: Iterable[Finding]) -> int:
    """0 all is fine, 1 something differs, 2 something could not be looked at, whatever else was found."""
    states = {finding.state for finding in findings}
    return 2 if State.UNSEEN in states else 1 if State.DIFFERENT in states else 0
