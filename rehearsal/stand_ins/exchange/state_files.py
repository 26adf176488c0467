"""The organisation's JSON files: replaced as a whole, under locks that ExchangeState.ps1 uses, too."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def read_state_file(file: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return state


def write_state_file(file: Path, state: Mapping[str, Any]) -> None:
    new = file.with_suffix(".json.new")
    new.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    new.replace(file)


@contextmanager
def lock_state(locks: Path, name: str) -> Iterator[None]:
    """By flock, as .NET locks a file that it opens exclusively."""
    with (locks / name.upper()).open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
