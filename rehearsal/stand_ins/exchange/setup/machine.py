"""What setup sees of the machine that it runs on: Windows' state, its registry, the account, the directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.exchange.directory import Directory
from rehearsal.stand_ins.exchange.organisation import Organisation
from rehearsal.stand_ins.exchange.state_files import lock_state

EXCHANGE_KEY = r"HKLM:\SOFTWARE\Microsoft\ExchangeServer\v15"
PROCESS = "ExSetup"


@dataclass(frozen=True, kw_only=True)
class SetupMachine:
    """`logon`: "password" if the account has network credentials."""

    name: str
    root: Path
    folder: Path
    user: str
    logon: str

    @staticmethod
    def of_environment() -> SetupMachine:
        """From the variables that every process of a server of the stand-in has."""
        values = os.environ
        return SetupMachine(
            name=values["COMPUTERNAME"],
            root=Path(values["EXCHANGE_STANDIN_ROOT"]),
            folder=Path(values["EXCHANGE_STANDIN_ORGANISATION"]),
            user=f"{values.get('USERDOMAIN', values['COMPUTERNAME'])}\\{values.get('USERNAME', 'SYSTEM')}",
            logon=values["EXCHANGE_STANDIN_LOGON"],
        )

    @property
    def organisation(self) -> Organisation:
        return Organisation(self.folder)

    @property
    def directory(self) -> Directory:
        return Directory(self.folder)

    @property
    def windows(self) -> dict[str, Any]:
        return windows_state.read_state(self.root)

    def change_windows(self, change: Callable[[dict[str, Any]], None]) -> None:
        with lock_state(self.folder / "locks", f"windows-{self.name}"):
            state = self.windows
            change(state)
            windows_state.change_state(self.root, **state)

    def registry_key(self, key: str) -> Mapping[str, Any] | None:
        """The values of a key, whose name ignores case."""
        registry: dict[str, dict[str, Any]] = self.windows.get("registry", {})
        return next((values for name, values in registry.items() if name.lower() == key.lower()), None)

    def has_registry_key(self, part: str) -> bool:
        """Whether a key has this text in its name."""
        return any(part.lower() in name.lower() for name in self.windows.get("registry", {}))

    def set_registry(self, key: str, **values: Any) -> None:
        """Sets values of a key; None removes a value."""

        def change(state: dict[str, Any]) -> None:
            kept = state.setdefault("registry", {}).setdefault(key, {})
            kept.update(values)
            for name in [name for name, value in kept.items() if value is None]:
                del kept[name]

        self.change_windows(change)

    def set_process(self, *, running: bool) -> None:
        def change(state: dict[str, Any]) -> None:
            others = [name for name in state.get("processes", []) if name != PROCESS]
            state["processes"] = [*others, PROCESS] if running else others

        self.change_windows(change)
