"""The set-up installs PowerShell if a computer has none: from which source, and when again."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rehearsal.powershell import lookup
from tests.unit.powershell_setup import NAME, Computer, archive, share
from tests.unit.programs import custom_host_answer, write_program, write_script

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


def test_where_there_is_no_pwsh_the_official_archive_is_unpacked(computer: Computer) -> None:
    printed, failures = computer.set_up()
    assert failures == []
    assert "downloading" in printed[0]
    assert printed[-1] == "powershell: 7.4.12 installed from the official release archive"
    assert computer.server.requests == [("GET", f"/v7.4.12/{NAME}", None)]
    assert (computer.tools / "pwsh/Modules/PSReadLine/PSReadLine.psd1").read_text() == "@{}"
    assert computer.rest() == set()
    found = lookup.locate_powershell()
    assert found
    assert (found.path, found.describe()) == (
        computer.tools / "pwsh/pwsh",
        "real: 7.4.12, the official release archive",
    )


def test_a_second_set_up_asks_no_server_and_prints_nothing(computer: Computer) -> None:
    computer.set_up()
    computer.server.requests.clear()
    written = (computer.tools / "pwsh" / "pwsh").stat()
    assert computer.set_up() == ([], [])
    assert computer.server.requests == []
    assert (computer.tools / "pwsh" / "pwsh").stat() == written


def test_a_second_set_up_needs_to_write_nothing(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.set_up()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert computer.set_up() == ([], [])


def test_where_pwsh_is_on_path_nothing_is_installed(computer: Computer) -> None:
    pwsh = write_program(computer.folder / "bin" / "pwsh", custom_host_answer())
    share(computer)
    assert computer.set_up() == ([f"powershell: using {pwsh}"], [])
    assert not computer.tools.exists()
    assert computer.server.requests == []


def test_a_pwsh_on_path_that_does_not_start_is_skipped_and_another_installed(computer: Computer) -> None:
    broken = write_script(computer.folder / "bin" / "pwsh", "echo 'libhostfxr.so is missing' >&2; exit 131")
    _, failures = computer.set_up()
    assert len(failures) == 1
    assert f"{broken} does not start (exit code 131: libhostfxr.so is missing)" in failures[0]
    assert (computer.tools / "pwsh" / "pwsh").exists()


def test_a_powershell_beside_the_checkout_is_copied_and_no_server_asked(computer: Computer) -> None:
    share(computer, custom_host_answer("7.6.9"))
    assert computer.set_up() == (["powershell: 7.6.9 installed from ../shared/pwsh"], [])
    assert computer.server.requests == []
    assert (computer.tools / "pwsh/Modules/Utility.psd1").read_text() == "@{}"
    assert computer.rest() == set()
    found = lookup.locate_powershell()
    assert found
    assert (found.path, found.describe()) == (
        computer.tools / "pwsh/pwsh",
        "not an official build: 7.6.9, ../shared/pwsh",
    )
    (computer.tools / "pwsh/Modules/Utility.psd1").unlink()
    assert os.stat(computer.tools / "pwsh/Modules").st_mode & 0o200, "its owner can remove it"  # noqa: PTH116


def test_a_copy_follows_its_source_when_that_changes_and_not_otherwise(computer: Computer) -> None:
    pwsh = share(computer, custom_host_answer("7.6.9"))
    computer.set_up()
    assert computer.set_up() == ([], [])
    write_program(pwsh, custom_host_answer("7.6.10"))
    assert computer.set_up() == (["powershell: 7.6.10 installed from ../shared/pwsh"], [])
    (computer.shared / "added.dll").write_bytes(b"")
    assert computer.set_up()[0] == ["powershell: 7.6.10 installed from ../shared/pwsh"]
    assert computer.rest() == set()


def test_a_copy_stays_when_its_source_is_gone(computer: Computer) -> None:
    share(computer, custom_host_answer("7.6.9"))
    computer.set_up()
    shutil.rmtree(computer.shared)
    assert computer.set_up() == ([], [])
    assert computer.server.requests == []
    assert lookup.locate_powershell()


def test_an_official_build_is_not_replaced_by_a_folder_that_appears_later(computer: Computer) -> None:
    computer.set_up()
    share(computer, custom_host_answer())
    assert computer.set_up() == ([], [])
    found = lookup.locate_powershell()
    assert found
    assert found.official


def test_a_powershell_beside_the_checkout_that_does_not_start_here_is_skipped(computer: Computer) -> None:
    share(computer, body="exit 126")
    printed, failures = computer.set_up()
    assert len(failures) == 1
    assert "../shared/pwsh does not start here (exit code 126" in failures[0]
    assert printed[-1] == "powershell: 7.4.12 installed from the official release archive"
    assert computer.rest() == set()


def test_a_folder_beside_the_checkout_without_pwsh_is_ignored(computer: Computer) -> None:
    computer.shared.mkdir(parents=True)
    assert computer.set_up()[0][-1] == "powershell: 7.4.12 installed from the official release archive"


def test_a_powershell_that_does_not_start_here_is_not_installed_and_not_downloaded_again(computer: Computer) -> None:
    computer.publish(archive(body="echo 'version GLIBC_2.99 not found' >&2; exit 1"))
    sentence = computer.fail()
    assert "the pwsh from the official release archive does not start here" in sentence
    assert "version GLIBC_2.99 not found" in sentence
    assert "does not start here" in computer.fail()
    assert len(computer.server.requests) == 1
    assert lookup.locate_powershell() is None


def test_make_setup_brings_powershell_beside_the_rest() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "setup"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert re.search(r"^\S+ -m rehearsal\.powershell\.install$", planned.stdout, re.MULTILINE)
