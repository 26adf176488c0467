"""How a script on a server ended."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    exit_code: int
    output: str
    error: str
