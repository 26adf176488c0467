"""The exit codes of the project's scripts, how a run without PowerShell ends with one, and what it says then."""

from __future__ import annotations

FAILURE, WRONG_DOCUMENT, EXCHANGE_MISSING, DISAGREEMENT, SETUP_RUNNING, UNHEALTHY, NOTHING_KEPT = range(1, 8)


class FailedError(Exception):
    """What the script would say, and the exit code it would end with."""

    def __init__(self, exit_code: int, reason: str) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


def failure_text(server: str, subject: str, said: str, remedy: str) -> str:
    """As the scripts put it: "EX1 oab: what was said. What to do about it."."""
    sentence = " ".join(said.split())
    return f"{server} {subject}: {sentence}{'' if sentence.endswith(('.', '!', '?')) else '.'} {remedy}"
