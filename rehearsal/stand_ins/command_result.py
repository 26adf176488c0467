"""How a script on a server ended."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """Exit code, and what was printed: whole, a limit of whoever passes it on is applied there."""

    exit_code: int
    output: str
    error: str
