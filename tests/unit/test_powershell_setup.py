"""The set-up brings PowerShell where a computer has none: from where, how often, and in which place."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from rehearsal.powershell import install, lookup, release
from tests.unit.powershell_setup import NAME, Computer, archive, share
from tests.unit.programs import custom_host_answer, official_answer, write_program, write_script

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


def test_where_there_is_no_pwsh_the_official_archive_is_unpacked(computer: Computer) -> None:
    said, failures = computer.set_up()
    assert failures == []
    assert "downloading" in said[0]
    assert said[-1] == "powershell: 7.4.12 installed from the official release archive"
    assert computer.server.requests == [("GET", f"/v7.4.12/{NAME}", None)]
    assert (computer.tools / "pwsh/Modules/PSReadLine/PSReadLine.psd1").read_text() == "@{}"
    assert computer.rest() == set()
    found = lookup.find()
    assert found
    assert (found.path, found.describe()) == (
        computer.tools / "pwsh/pwsh",
        "real: 7.4.12, the official release archive",
    )


def test_a_second_set_up_asks_no_server_and_says_nothing(computer: Computer) -> None:
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


def test_a_pwsh_on_path_that_does_not_start_is_passed_over_and_another_installed(computer: Computer) -> None:
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
    found = lookup.find()
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
    assert lookup.find()


def test_an_official_build_does_not_give_way_to_a_folder_that_turns_up_later(computer: Computer) -> None:
    computer.set_up()
    share(computer, custom_host_answer())
    assert computer.set_up() == ([], [])
    found = lookup.find()
    assert found
    assert found.official


def test_a_powershell_beside_the_checkout_that_does_not_start_here_is_passed_over(computer: Computer) -> None:
    share(computer, body="exit 126")
    said, failures = computer.set_up()
    assert len(failures) == 1
    assert "../shared/pwsh does not start here (exit code 126" in failures[0]
    assert said[-1] == "powershell: 7.4.12 installed from the official release archive"
    assert computer.rest() == set()


def test_a_folder_beside_the_checkout_without_pwsh_is_no_source(computer: Computer) -> None:
    computer.shared.mkdir(parents=True)
    assert computer.set_up()[0][-1] == "powershell: 7.4.12 installed from the official release archive"


def test_another_pinned_version_replaces_the_one_that_was_installed(computer: Computer) -> None:
    computer.set_up()
    computer.publish(archive(official_answer("7.4.13"), more="./new.dll"), version="7.4.13")
    assert computer.set_up()[0][-1] == "powershell: 7.4.13 installed from the official release archive"
    found = lookup.find()
    assert found
    assert found.version == "7.4.13"
    assert (computer.tools / "pwsh" / "new.dll").exists()
    assert computer.rest() == set()


def test_where_another_pinned_version_cannot_be_had_the_old_one_stays(computer: Computer) -> None:
    computer.set_up()
    computer.publish(archive(official_answer("7.4.13")), version="7.4.13")
    computer.server.status = 500
    assert f"{computer.tools}/pwsh stays as it is" in computer.fail()
    found = lookup.find()
    assert found
    assert found.version == "7.4.12"
    assert computer.rest() == set()


def test_a_folder_that_the_set_up_did_not_finish_is_replaced(computer: Computer) -> None:
    write_program(computer.tools / "pwsh" / "pwsh", official_answer("6.0.0"))
    computer.set_up()
    found = lookup.find()
    assert found
    assert (found.version, found.origin) == ("7.4.12", "the official release archive")


@pytest.mark.parametrize(
    ("system", "machine", "archive"),
    [
        ("Linux", "x86_64", "linux-x64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "x86_64", "osx-x64"),
        ("Darwin", "arm64", "osx-arm64"),
    ],
)
def test_each_system_and_processor_gets_the_archive_that_is_made_for_it(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, archive: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36") if system == "Linux" else ("", ""))
    version = json.loads(release.RELEASES.read_text(encoding="utf-8"))["version"]
    name = f"powershell-{version}-{archive}.tar.gz"
    pinned = release.pinned()
    assert (pinned.version, pinned.name) == (version, name)
    assert pinned.url == f"https://github.com/PowerShell/PowerShell/releases/download/v{version}/{name}"


def test_each_archive_is_pinned_by_a_hash_of_its_own() -> None:
    pinned = json.loads(release.RELEASES.read_text(encoding="utf-8"))
    hashes = [entry["sha256"] for entry in pinned["archives"].values()]
    assert len(set(hashes)) == len(hashes) == 4
    assert all(len(bytes.fromhex(one)) == 32 for one in hashes)


@pytest.mark.parametrize(
    ("machine", "libc", "named"),
    [("riscv64", "glibc", "Linux riscv64"), ("x86_64", "", "Linux x86_64 without glibc")],
)
def test_a_computer_for_which_no_archive_is_pinned_is_told_so_before_anything_is_fetched(
    computer: Computer, monkeypatch: pytest.MonkeyPatch, machine: str, libc: str, named: str
) -> None:
    pinned = json.loads(release.RELEASES.read_text(encoding="utf-8"))
    pinned["archives"] = {"Linux x86_64": next(iter(pinned["archives"].values()))}
    release.RELEASES.write_text(json.dumps(pinned), encoding="utf-8")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    assert f"no official archive of PowerShell is pinned for {named}:" in computer.fail()
    assert computer.server.requests == []


def test_a_full_disk_while_the_archive_is_unpacked_leaves_nothing(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarfile, "copyfileobj", full)
    assert "No space left on device" in computer.fail()
    assert computer.rest() == set(), "the archive gave its room back"


def test_a_full_disk_while_a_powershell_is_copied_leaves_nothing(
    computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(computer)
    monkeypatch.setattr(shutil, "copy", full)
    assert "No space left on device" in computer.fail()
    assert computer.rest() == set()


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_tools_that_cannot_be_written_are_told_of(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.tools.parent.mkdir(parents=True)
    computer.tools.write_text("a file where the folder should be", encoding="utf-8")
    assert f"it cannot be written to {computer.tools}/pwsh (File exists" in computer.fail()
    computer.tools.unlink()

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert f"(Permission denied, {computer.tools})" in computer.fail()
    assert computer.server.requests == []


def test_an_archive_that_is_none_is_told_of(computer: Computer) -> None:
    computer.publish(b"not an archive, though its hash is the pinned one")
    assert "its archive cannot be unpacked" in computer.fail()


def test_an_archive_that_writes_elsewhere_is_refused(computer: Computer) -> None:
    computer.publish(archive(more="../../../escaped"))
    assert "its archive cannot be unpacked" in computer.fail()
    assert not list(computer.folder.rglob("escaped"))


def test_an_older_python_without_filters_unpacks_too(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tarfile.TarFile.extractall

    def as_before(self: tarfile.TarFile, path: str = ".", members: Any = None, *, numeric_owner: bool = False) -> None:
        whole(self, path, members, numeric_owner=numeric_owner, filter="fully_trusted")

    monkeypatch.setattr(tarfile.TarFile, "extractall", as_before)
    monkeypatch.delattr(tarfile, "data_filter")
    assert computer.set_up()[0][-1] == "powershell: 7.4.12 installed from the official release archive"


def test_an_archive_without_pwsh_installs_nothing(computer: Computer) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz"):
        pass
    computer.publish(packed.getvalue())
    assert "the official release archive holds no pwsh" in computer.fail()


def test_a_powershell_that_does_not_start_here_is_not_installed_and_not_downloaded_again(computer: Computer) -> None:
    computer.publish(archive(body="echo 'version GLIBC_2.99 not found' >&2; exit 1"))
    sentence = computer.fail()
    assert "the pwsh from the official release archive does not start here" in sentence
    assert "version GLIBC_2.99 not found" in sentence
    assert "does not start here" in computer.fail()
    assert len(computer.server.requests) == 1
    assert lookup.find() is None


def test_what_a_killed_set_up_left_is_removed(computer: Computer) -> None:
    computer.set_up()
    for role in ("new", "old"):
        write_program(computer.tools / f"pwsh.{role}" / "Modules" / "pwsh", official_answer("0.0.0"))
        (computer.tools / f"pwsh.{role}" / "Modules").chmod(0o555)
    computer.download.parent.mkdir()
    computer.download.write_bytes(computer.server.content)
    assert computer.set_up() == ([], [])
    assert computer.rest() == set()
    assert lookup.find()


def test_a_set_up_that_was_killed_between_its_two_renames_is_made_good(computer: Computer) -> None:
    computer.set_up()
    (computer.tools / "pwsh").rename(computer.tools / "pwsh.old")
    write_program(computer.tools / "pwsh.new" / "pwsh", official_answer())
    assert lookup.find() is None
    computer.set_up()
    assert lookup.find()
    assert computer.rest() == set()


def test_what_was_downloaded_of_another_version_is_removed(computer: Computer) -> None:
    computer.download.parent.mkdir(parents=True)
    (computer.download.parent / "powershell-7.4.6-linux-x64.tar.gz").write_bytes(b"old")
    computer.publish(archive(body="exit 1"))
    computer.fail()
    assert [path.name for path in computer.download.parent.iterdir()] == [NAME]


def test_a_set_up_waits_for_another_of_the_same_checkout(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, order, lock_file = threading.Event(), [], fcntl.flock

    def watched(lock: IO[str], how: int) -> None:
        if how == fcntl.LOCK_EX:
            waits.set()
        lock_file(lock, how)
        order.append("the second has it")

    computer.tools.mkdir(parents=True)
    second = threading.Thread(target=install.main)
    with (computer.tools / "pwsh.lock").open("w") as lock:
        lock_file(lock, fcntl.LOCK_EX)
        monkeypatch.setattr(fcntl, "flock", watched)
        second.start()
        assert waits.wait(60)
        order.append("the first gives it up")
    second.join(60)
    assert order == ["the first gives it up", "the second has it"]
    assert "waiting for another set-up" in computer.capsys.readouterr().out
    assert lookup.find()


def test_a_set_up_that_is_killed_leaves_nothing_half_done_and_the_next_one_goes_on(computer: Computer) -> None:
    """A program of its own, without one package: only what Python itself brings."""
    checkout = computer.tools.parent
    package = checkout / "rehearsal"
    shutil.copytree(ROOT / "rehearsal" / "powershell", package / "powershell")
    for module in ("__init__.py", "set_up.py"):
        shutil.copy(ROOT / "rehearsal" / module, package)
    shutil.copy(release.RELEASES, package / "powershell" / "releases.json")
    computer.server.silent_after = 2_000_000
    command = [sys.executable, "-S", "-m", "rehearsal.powershell.install"]
    killed = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert computer.server.halfway.wait(60)
    finally:
        killed.send_signal(signal.SIGKILL)
        out, err = killed.communicate(timeout=60)
    assert (b"downloading" in out, err) == (True, b"")
    assert not (computer.tools / "pwsh").exists()
    assert lookup.find() is None
    computer.server.silent_after = None
    again = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=True)
    assert again.stdout.splitlines()[-1] == "powershell: 7.4.12 installed from the official release archive"
    assert again.stderr == ""
    assert lookup.find()
    assert computer.rest() == set()


def test_make_setup_brings_powershell_beside_the_rest() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "setup"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert re.search(r"^\S+ -m rehearsal\.powershell\.install$", planned.stdout, re.MULTILINE)
