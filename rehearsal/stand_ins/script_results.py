"""How the project's scripts end: exit code, output, and the sentence of a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FAILURE, WRONG_DOCUMENT, EXCHANGE_MISSING, DISAGREEMENT, SETUP_RUNNING, UNHEALTHY, NOTHING_KEPT = range(1, 8)


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """`output` and `error` are complete; Azure, for one, cuts them later."""

    exit_code: int
    output: str
    error: str


class FailedError(Exception):
    """A run without PowerShell ends with this exit code and message."""

    def __init__(self, exit_code: int, reason: str) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


def refuse_document(problems: Sequence[str]) -> FailedError:
    """All problems of the document on standard input, in the words of the scripts."""
    head = f"Nothing was changed, the document on standard input has {len(problems)} problem(s):"
    return FailedError(WRONG_DOCUMENT, "\n  ".join([head, *problems]))


def format_failure(server: str, subject: str, message: str, remedy: str) -> str:
    """In the scripts' form: "EX1 oab: message. Remedy."."""
    sentence = " ".join(message.split())
    return f"{server} {subject}: {sentence}{'' if sentence.endswith(('.', '!', '?')) else '.'} {remedy}"
