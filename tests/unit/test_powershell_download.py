"""PowerShell's download resumes after a break and is verified."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import pytest

from rehearsal.powershell import download, lookup
from tests.unit.powershell_setup import FILLING, Computer, archive

pytestmark = pytest.mark.unit
INSTALLED = "powershell: 7.4.12 installed from the official release archive"


def test_progress_is_printed_in_megabytes_and_percent(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PROGRESS_SECONDS", 0)
    printed, _ = computer.set_up()
    progress = [re.fullmatch(r"powershell: (\d+) of 3 MB, (\d+) %", line) for line in printed[1:-1]]
    percents = [int(line[2]) for line in progress if line]
    assert len(percents) == len(progress) > 3
    assert percents == sorted(percents)
    assert percents[-1] == 100


def test_a_download_that_breaks_off_resumes_at_once(computer: Computer) -> None:
    computer.server.breaks_after = 1_000_000
    printed, failures = computer.set_up()
    assert computer.server.ranges == [None, "bytes=1000000-"]
    assert "broke off after 1 of 3 MB, 33 %: going on from there" in printed[1]
    assert (printed[-1], failures) == (INSTALLED, [])
    assert_unpacked(computer)


def test_a_download_that_breaks_off_again_and_again_resumes_in_the_next_set_up(computer: Computer) -> None:
    computer.server.breaks_after, computer.server.breaks_always = 200_000, True
    assert "the connection to 127.0.0.1 broke off after 1 of 3 MB, 19 %:" in computer.fail()
    assert computer.download.stat().st_size == 600_000
    assert lookup.locate_powershell() is None
    computer.server.breaks_after = None
    computer.server.requests.clear()
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == ["bytes=600000-"]
    assert_unpacked(computer)


def test_a_server_that_gives_no_parts_gives_the_whole_again(computer: Computer) -> None:
    computer.server.breaks_after = 1_000_000
    computer.server.parts = False
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == [None, "bytes=1000000-"]
    assert_unpacked(computer)


def test_a_server_that_gives_another_part_is_asked_for_the_whole(computer: Computer) -> None:
    computer.server.breaks_after = 1_000_000
    computer.server.range_shift = 7
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == [None, "bytes=1000000-", None]
    assert_unpacked(computer)


@pytest.mark.parametrize(
    ("size", "ranges"),
    [
        pytest.param(500_000, ["bytes=500000-", None], id="shorter than the archive"),
        pytest.param(9_000_000, ["bytes=9000000-", None], id="longer than the archive"),
    ],
)
def test_a_download_that_is_garbage_is_started_over(computer: Computer, size: int, ranges: list[str | None]) -> None:
    computer.download.parent.mkdir(parents=True)
    computer.download.write_bytes(b"\0" * size)
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.ranges == ranges
    assert_unpacked(computer)


def test_a_download_that_is_there_already_is_unpacked_without_a_server(computer: Computer) -> None:
    computer.download.parent.mkdir(parents=True)
    computer.download.write_bytes(computer.server.content)
    assert computer.set_up()[0][-1] == INSTALLED
    assert computer.server.requests == []
    assert_unpacked(computer)


def test_an_archive_with_another_hash_is_thrown_away_unopened(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    computer.publish(archive(), sha256="0" * 64)
    monkeypatch.setattr("tarfile.open", lambda *given, **_: opened.append(given))
    assert "what 127.0.0.1 sent does not have the pinned SHA-256" in computer.fail()
    assert opened == []
    assert computer.rest() == set()
    assert lookup.locate_powershell() is None


def test_a_full_disk_is_reported_and_frees_its_space(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.open

    class Full:
        """A file on a disk that has room for one piece."""

        def __init__(self, file: Any) -> None:
            self.file, self.left = file, 1

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, piece: bytes) -> None:
            if not self.left:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.left -= 1
            self.file.write(piece)

    def opened(path: Path, mode: str = "r", **given: Any) -> Any:
        file = whole(path, mode, **given)
        return Full(file) if path == computer.download and mode in ("wb", "ab") else file

    monkeypatch.setattr(Path, "open", opened)
    assert f"it cannot be written to {computer.tools}/pwsh (No space left on device):" in computer.fail()
    assert computer.rest() == set()


def assert_unpacked(computer: Computer) -> None:
    assert (computer.tools / "pwsh" / "libcoreclr.so").read_bytes() == FILLING
    assert computer.rest() == set()
