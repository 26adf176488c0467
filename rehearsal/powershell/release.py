"""The official release that is pinned in releases.json, and its archive for this computer. Standard library only."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from pathlib import Path

RELEASES = Path(__file__).with_name("releases.json")


class UnsupportedError(Exception):
    """There is no archive for this computer; says which computer that is."""


@dataclass(frozen=True)
class Archive:
    """One file of the release."""

    version: str
    name: str
    url: str
    sha256: str


def pinned() -> Archive:
    """The archive for this computer. Raises UnsupportedError."""
    release = json.loads(RELEASES.read_text(encoding="utf-8"))
    entry = release["archives"].get(computer())
    if entry is None:
        raise UnsupportedError(f"no official archive of PowerShell is pinned for {computer()}")
    return Archive(release["version"], entry["name"], release["baseUrl"] + entry["name"], entry["sha256"])


def computer() -> str:
    """System and processor, as the keys of releases.json name them."""
    name = f"{platform.system()} {platform.machine()}"
    # The archives for Linux are built for glibc, and musl runs none of them.
    other_libc = platform.system() == "Linux" and platform.libc_ver()[0] != "glibc"
    return f"{name} without glibc" if other_libc else name
