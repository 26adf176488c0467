"""Where the set-up gets PowerShell: a folder beside the checkout, or the official release. Standard library only."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from rehearsal import set_up
from rehearsal.powershell.download import Download
from rehearsal.powershell.release import PowerShellArchive


def print_powershell_progress(text: str) -> None:
    set_up.print_progress("powershell", text)


class PowerShellSource(Protocol):
    """`origin` names the source for people. `key` changes when the source has another PowerShell."""

    @property
    def origin(self) -> str: ...

    @property
    def key(self) -> str: ...

    def fill(self, folder: Path) -> None:
        """Copies PowerShell into the empty folder. Raises OSError, DownloadError, TarError."""


@dataclass(frozen=True)
class SharedFolder:
    """A folder that holds a PowerShell."""

    folder: Path
    origin = "../shared/pwsh"

    @property
    def key(self) -> str:
        """A hash of the names, sizes and times of its files, which is quick and changes with them."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        facts = [(str(path.relative_to(self.folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def fill(self, folder: Path) -> None:
        # copytree would copy the read-only mode of the folders.
        for path in sorted(self.folder.rglob("*")):
            target = folder / path.relative_to(self.folder)
            if path.is_dir():
                target.mkdir()
            else:
                shutil.copy(path, target)


@dataclass(frozen=True)
class ReleaseArchive:
    """The archive of an official release. `downloads` is the folder that keeps it until it is unpacked."""

    archive: PowerShellArchive
    downloads: Path
    origin = "the official release archive"

    @property
    def key(self) -> str:
        return self.archive.sha256

    def fill(self, folder: Path) -> None:
        self.downloads.mkdir(exist_ok=True)
        file = self.downloads / self.archive.name
        for other in self.downloads.iterdir():
            if other != file:
                other.unlink()
        print_powershell_progress(
            f"downloading {self.archive.name} from {urlsplit(self.archive.url).hostname}, about 70 MB, once"
        )
        Download(self.archive.url, file, self.archive.sha256, print_powershell_progress).finish()
        # Python 3.11.0 to 3.11.3 have no filters. The SHA-256 of the archive was checked.
        checked: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        with tarfile.open(file, "r:gz") as members:
            members.extractall(folder, **checked)  # noqa: S202 - filtered
