"""Puts PowerShell into .tools/pwsh if there is none on PATH: `python3 -m rehearsal.powershell.install`.

Takes it from ../shared/pwsh if that folder exists, else from the official release archive. Prints a failure as one
sentence and exits with 0, because the set-up continues and most of the project works without PowerShell.

Runs before the virtual environment exists, so it imports the standard library only.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.powershell import lookup
from rehearsal.powershell.download import DownloadError
from rehearsal.powershell.release import UnsupportedError, read_pinned_archive
from rehearsal.powershell.sources import PowerShellSource, ReleaseArchive, SharedFolder, print_powershell_progress
from rehearsal.set_up import REPOSITORY, print_warning

SHARED = REPOSITORY.parent / "shared" / "pwsh"


def main() -> None:
    if installed := lookup.find_on_path():
        print_powershell_progress(f"using {installed.path}")
        return
    try:
        ensure_powershell()
    except (DownloadError, UnsupportedError, lookup.CannotStartError) as error:
        report_failure(str(error))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        report_failure(f"its archive cannot be unpacked ({error})")
    except OSError as error:
        where = f", {error.filename}" if error.filename else ""
        report_failure(f"it cannot be written to {lookup.PLACE} ({error.strerror or error}{where})")


def report_failure(what_failed: str) -> None:
    consequence = f"{lookup.PLACE} stays as it is" if lookup.PLACE.exists() else "the set-up goes on without PowerShell"
    remedy = "to have it, install it yourself (https://aka.ms/powershell) or run `make setup` again"
    print_warning("powershell", f"{what_failed}: {consequence}; {remedy}")


def ensure_powershell() -> None:
    """Brings .tools/pwsh up to date and removes leftovers beside it. A failure leaves it as it was."""
    if is_current() and not find_leftovers():
        return
    lookup.PLACE.parent.mkdir(parents=True, exist_ok=True)
    with hold_lock():
        remove_paths(*find_leftovers())
        if not is_current():
            install_first(list_sources())


def is_current() -> bool:
    """Whether the installed PowerShell is the one that its source has now. A missing source requires no change."""
    stamp = lookup.read_stamp()
    if not (lookup.PLACE / "pwsh").exists():
        return False
    if stamp.get("origin") == SharedFolder.origin:
        return not (SHARED / "pwsh").exists() or stamp.get("key") == SharedFolder(SHARED).key
    return stamp.get("origin") == ReleaseArchive.origin and stamp.get("key") == read_pinned_archive().sha256


def list_sources() -> Iterator[PowerShellSource]:
    """The sources in order of preference. Raises UnsupportedError if this computer has no release."""
    if (SHARED / "pwsh").exists():
        yield SharedFolder(SHARED)
    yield ReleaseArchive(read_pinned_archive(), path_beside("download"))


def install_first(offered: Iterator[PowerShellSource]) -> None:
    """Installs from the first source whose PowerShell starts here. Raises the error of the last source."""
    for source in offered:
        try:
            install_from(source)
            return
        except lookup.CannotStartError as error:
            if isinstance(source, ReleaseArchive):
                raise
            print_warning("powershell", f"{error}: passed over")


def install_from(source: PowerShellSource) -> None:
    """Fills a folder beside the target, starts its PowerShell once, and renames it.

    Raises CannotStartError and the errors of `fill`.
    """
    new, old = path_beside("new"), path_beside("old")
    stamp = {"origin": source.origin, "key": source.key}
    try:
        new.mkdir()
        source.fill(new)
        program = new / "pwsh"
        if not program.exists():
            raise lookup.CannotStartError(f"{source.origin} holds no pwsh")
        program.chmod(0o755)  # the archive's own file is not executable
        try:
            powershell = lookup.inspect_powershell(program, source.origin)
        except lookup.CannotStartError as error:
            raise lookup.CannotStartError(f"the pwsh from {source.origin} does not start here ({error})") from None
        (new / lookup.STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        if lookup.PLACE.exists():
            lookup.PLACE.rename(old)
        new.rename(lookup.PLACE)
    except OSError:
        remove_paths(path_beside("download"))  # frees a full disk
        raise
    finally:
        remove_paths(*find_leftovers())
    print_powershell_progress(f"{powershell.version} installed from {source.origin}")


def path_beside(role: str) -> Path:
    return lookup.PLACE.with_name(f"{lookup.PLACE.name}.{role}")


def find_leftovers() -> list[Path]:
    """What a killed or failed installation left. A download is a leftover when it is no longer needed."""
    download = path_beside("download")
    needless = is_current() or (download.is_dir() and not any(download.iterdir()))
    return [
        path for path in (path_beside("new"), path_beside("old"), *([download] if needless else [])) if path.exists()
    ]


def remove_paths(*folders: Path) -> None:
    for folder in folders:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            for path, _, _ in os.walk(folder):
                Path(path).chmod(0o755)  # a read-only folder cannot be emptied
            shutil.rmtree(folder)


@contextmanager
def hold_lock() -> Iterator[None]:
    """Lets one set-up run at a time. The system releases the lock of a killed one."""
    with path_beside("lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_powershell_progress("waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
