"""What one client of a drill measures: its requests and its new connections."""

from __future__ import annotations

from dataclasses import dataclass

from operations.drill.outlook import Attempt


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One request: when it was sent (`asked`) and answered (`at`; both time.monotonic()), and by which server.

    Without a good answer `server` is empty, and `error` says why.
    """

    asked: float
    at: float
    server: str
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Move:
    """A new connection: when, the attempts that failed before it, and its address ("" where every address failed).

    `slow`: the address of the connection before, where the client left that because its answer was slow.
    """

    at: float
    failed: tuple[Attempt, ...]
    address: str
    slow: str = ""

    @property
    def impatient(self) -> bool:
        """Whether the new connection is to the same address: that server was slow, and nothing was lost."""
        return bool(self.slow) and not self.failed and self.address == self.slow
