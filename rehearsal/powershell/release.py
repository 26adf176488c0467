"""The official release that releases.json pins, and its archive for this computer. Standard library only."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from pathlib import Path

RELEASES = Path(__file__).with_name("releases.json")


class UnsupportedError(Exception):
    """No archive is pinned for this computer, which the text names."""


@dataclass(frozen=True)
class PowerShellArchive:
    """One file of the release."""

    version: str
    name: str
    url: str
    sha256: str


def read_pinned_archive() -> PowerShellArchive:
    """The archive for this computer. Raises UnsupportedError."""
    release = json.loads(RELEASES.read_text(encoding="utf-8"))
    entry = release["archives"].get(describe_computer())
    if entry is None:
        raise UnsupportedError(f"no official archive of PowerShell is pinned for {describe_computer()}")
    return PowerShellArchive(release["version"], entry["name"], release["baseUrl"] + entry["name"], entry["sha256"])


def describe_computer() -> str:
    """System and processor, in the form of the keys of releases.json."""
    name = f"{platform.system()} {platform.machine()}"
    # The archives for Linux need glibc and do not run with musl.
    other_libc = platform.system() == "Linux" and platform.libc_ver()[0] != "glibc"
    return f"{name} without glibc" if other_libc else name
