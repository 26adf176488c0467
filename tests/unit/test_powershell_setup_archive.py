"""The set-up unpacks the official archive for this computer, or installs nothing."""

from __future__ import annotations

import errno
import io
import json
import platform
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal.powershell import lookup, release
from tests.unit.powershell_setup import Computer, archive, share
from tests.unit.programs import official_answer

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


def test_another_pinned_version_replaces_the_one_that_was_installed(computer: Computer) -> None:
    computer.set_up()
    computer.publish(archive(official_answer("7.4.13"), more="./new.dll"), version="7.4.13")
    assert computer.set_up()[0][-1] == "powershell: 7.4.13 installed from the official release archive"
    found = lookup.locate_powershell()
    assert found
    assert found.version == "7.4.13"
    assert (computer.tools / "pwsh" / "new.dll").exists()
    assert computer.rest() == set()


def test_without_the_newly_pinned_version_the_old_one_stays(computer: Computer) -> None:
    computer.set_up()
    computer.publish(archive(official_answer("7.4.13")), version="7.4.13")
    computer.server.status = 500
    assert f"{computer.tools}/pwsh stays as it is" in computer.fail()
    found = lookup.locate_powershell()
    assert found
    assert found.version == "7.4.12"
    assert computer.rest() == set()


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
    pinned = release.read_pinned_archive()
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
def test_a_computer_for_which_no_archive_is_pinned_is_named_before_a_download(
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


def test_tools_that_cannot_be_written_are_reported(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.tools.parent.mkdir(parents=True)
    computer.tools.write_text("a file where the folder should be", encoding="utf-8")
    assert f"it cannot be written to {computer.tools}/pwsh (File exists" in computer.fail()
    computer.tools.unlink()

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert f"(Permission denied, {computer.tools})" in computer.fail()
    assert computer.server.requests == []


def test_a_file_that_is_not_an_archive_is_reported(computer: Computer) -> None:
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
