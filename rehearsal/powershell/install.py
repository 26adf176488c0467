"""Puts PowerShell into .tools/pwsh where there is none on PATH: `python3 -m rehearsal.powershell.install`.

From ../shared/pwsh where that folder lies beside the checkout, else from the official release archive. What fails is
told in one sentence, and the exit code is 0 all the same: the set-up goes on, and so does all that needs no PowerShell.

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
from rehearsal.powershell.release import UnsupportedError, pinned
from rehearsal.powershell.sources import Release, Shared, Source, say
from rehearsal.set_up import REPOSITORY, print_warning

SHARED = REPOSITORY.parent / "shared" / "pwsh"


def main() -> None:
    if found := lookup.on_path():
        say(f"using {found.path}")
        return
    try:
        provide()
    except (DownloadError, UnsupportedError, lookup.CannotStartError) as error:
        tell(str(error))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        tell(f"its archive cannot be unpacked ({error})")
    except OSError as error:
        where = f", {error.filename}" if error.filename else ""
        tell(f"it cannot be written to {lookup.PLACE} ({error.strerror or error}{where})")


def tell(what_failed: str) -> None:
    goes_on = f"{lookup.PLACE} stays as it is" if lookup.PLACE.exists() else "the set-up goes on without PowerShell"
    remedy = "to have it, install it yourself (https://aka.ms/powershell) or run `make setup` again"
    print_warning("powershell", f"{what_failed}: {goes_on}; {remedy}")


def provide() -> None:
    """Afterwards .tools/pwsh is what it should be, and nothing lies beside it. A failure leaves it as it was."""
    if is_current() and not leftovers():
        return
    lookup.PLACE.parent.mkdir(parents=True, exist_ok=True)
    with alone():
        remove(*leftovers())
        if not is_current():
            install_first(sources())


def is_current() -> bool:
    """Whether what is installed is what its source would give today. A source that is gone asks for no change."""
    taken = lookup.stamp()
    if not (lookup.PLACE / "pwsh").exists():
        return False
    if taken.get("origin") == Shared.origin:
        return not (SHARED / "pwsh").exists() or taken.get("key") == Shared(SHARED).key
    return taken.get("origin") == Release.origin and taken.get("key") == pinned().sha256


def sources() -> Iterator[Source]:
    """In order of preference. Raises UnsupportedError where a release is asked for and there is none."""
    if (SHARED / "pwsh").exists():
        yield Shared(SHARED)
    yield Release(pinned(), beside("download"))


def install_first(offered: Iterator[Source]) -> None:
    """The first that starts here. Raises what the last one raised."""
    for source in offered:
        try:
            install(source)
            return
        except lookup.CannotStartError as error:
            if isinstance(source, Release):
                raise
            print_warning("powershell", f"{error}: passed over")


def install(source: Source) -> None:
    """Filled beside its place, started once, and renamed. Raises CannotStartError and what `fill` raises."""
    new, old = beside("new"), beside("old")
    stamp = {"origin": source.origin, "key": source.key}
    try:
        new.mkdir()
        source.fill(new)
        program = new / "pwsh"
        if not program.exists():
            raise lookup.CannotStartError(f"{source.origin} holds no pwsh")
        program.chmod(0o755)  # the archive's own file is not executable
        try:
            found = lookup.ask(program, source.origin)
        except lookup.CannotStartError as error:
            raise lookup.CannotStartError(f"the pwsh from {source.origin} does not start here ({error})") from None
        (new / lookup.STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        if lookup.PLACE.exists():
            lookup.PLACE.rename(old)
        new.rename(lookup.PLACE)
    except OSError:
        remove(beside("download"))  # a full disk gets its room back
        raise
    finally:
        remove(*leftovers())
    say(f"{found.version} installed from {source.origin}")


def beside(role: str) -> Path:
    return lookup.PLACE.with_name(f"{lookup.PLACE.name}.{role}")


def leftovers() -> list[Path]:
    """What an installation leaves that was killed or failed. A download is kept for as long as it is needed."""
    download = beside("download")
    needless = is_current() or (download.is_dir() and not any(download.iterdir()))
    return [path for path in (beside("new"), beside("old"), *([download] if needless else [])) if path.exists()]


def remove(*folders: Path) -> None:
    for folder in folders:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            for path, _, _ in os.walk(folder):
                Path(path).chmod(0o755)  # one that may not be written cannot be emptied
            shutil.rmtree(folder)


@contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time: `make rehearse` and `make test` may begin together. A killed one holds nothing."""
    with beside("lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
