"""The organisation's files: JSON, replaced as a whole, under the locks that ExchangeState.ps1 takes, too."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def read(file: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return state


def write(file: Path, state: Mapping[str, Any]) -> None:
    new = file.with_suffix(".json.new")
    new.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    new.replace(file)


@contextmanager
def locked(locks: Path, name: str) -> Iterator[None]:
    """.NET opens a file for itself alone by flock, too."""
    with (locks / name.upper()).open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
