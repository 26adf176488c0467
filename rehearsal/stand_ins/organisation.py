"""What a server needs of the Exchange organisation that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Organisation(Protocol):
    """The settings of all servers, and how a script runs against them; see `exchange.Organisation`."""

    def settings(self, computer_name: str) -> dict[str, dict[str, object]]: ...

    def change(self, computer_name: str, service: str, setting: str, value: object) -> None: ...

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
    ) -> tuple[list[str], dict[str, str]]: ...
