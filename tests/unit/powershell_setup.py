"""A computer for the tests of PowerShell's set-up: a checkout, what lies beside it, PATH, and a release on loopback."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import platform
import random
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal.powershell import install, lookup, release
from tests.unit.archive_server import ArchiveServer, serving
from tests.unit.programs import official_answer, write_script

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
NAME = "powershell-7.4.12-linux-x64.tar.gz"
FILLING = random.Random(1).randbytes(3_000_000)  # noqa: S311 - compresses to no less


@dataclass
class Computer:
    """`server` has the release that `releases` pins; `set_up` returns the lines that it printed."""

    folder: Path
    server: ArchiveServer
    capsys: pytest.CaptureFixture[str]

    @property
    def tools(self) -> Path:
        return self.folder / "checkout" / ".tools"

    @property
    def shared(self) -> Path:
        return self.folder / "shared" / "pwsh"

    @property
    def download(self) -> Path:
        return self.tools / "pwsh.download" / NAME

    def set_up(self) -> tuple[list[str], list[str]]:
        """Lines of standard output and of standard error. Ends as the program does, with no exception."""
        self.capsys.readouterr()
        install.main()
        printed = self.capsys.readouterr()
        return printed.out.splitlines(), printed.err.splitlines()

    def fail(self) -> str:
        """Runs a set-up that must fail, and returns its sentence. It must install nothing and leave nothing."""
        before = lookup.read_stamp()
        _, sentences = self.set_up()
        assert len(sentences) == 1, sentences
        assert "https://aka.ms/powershell" in sentences[0]
        assert lookup.read_stamp() == before
        assert self.rest() <= {"pwsh.download"}
        return sentences[0]

    def publish(self, content: bytes, *, version: str = "7.4.12", base: str | None = None, sha256: str = "") -> None:
        """The server has this archive, and the data file pins it for this computer."""
        self.server.content = content
        name = f"powershell-{version}-linux-x64.tar.gz"
        archive = {"name": name, "sha256": sha256 or hashlib.sha256(content).hexdigest()}
        pinned = {
            "version": version,
            "baseUrl": base or f"{self.server.address}v{version}/",
            "archives": {f"{platform.system()} {platform.machine()}": archive},
        }
        release.RELEASES.write_text(json.dumps(pinned), encoding="utf-8")

    def rest(self) -> set[str]:
        """What lies in .tools beside PowerShell and the lock, which is empty."""
        return {path.name for path in self.tools.glob("*")} - {"pwsh", "pwsh.lock"} if self.tools.is_dir() else set()


@contextmanager
def bare_computer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Computer]:
    """No pwsh on PATH, nothing beside the checkout, no proxy, and glibc."""
    with serving(ArchiveServer()) as server:
        made = Computer(folder, server, capsys)
        (folder / "bin").mkdir()
        monkeypatch.setenv("PATH", str(folder / "bin"))
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
        monkeypatch.setattr(lookup, "PLACE", made.tools / "pwsh")
        monkeypatch.setattr(install, "SHARED", made.shared)
        monkeypatch.setattr(release, "RELEASES", folder / "releases.json")
        made.publish(archive())
        yield made


@functools.cache
def archive(says: str = "", *, body: str = "", more: str = "") -> bytes:
    """As the official ones are: no folder at the top, a pwsh that may not be executed. `more` names another file."""
    echo = f"echo '{says or official_answer()}'"
    files = {
        "./pwsh": f"#!/bin/sh\n{body or echo}\n".encode(),
        "./libcoreclr.so": FILLING,
        "./Modules/PSReadLine/PSReadLine.psd1": b"@{}",
        **({more: b""} if more else {}),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            members.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def share(computer: Computer, says: str = "", body: str = "") -> Path:
    """A PowerShell beside the checkout, in folders that may not be written."""
    pwsh = write_script(computer.shared / "pwsh", body or f"echo '{says or official_answer()}'")
    modules = computer.shared / "Modules"
    modules.mkdir(exist_ok=True)
    (modules / "Utility.psd1").write_text("@{}", encoding="utf-8")
    (modules / "Utility.psd1").chmod(0o444)
    modules.chmod(0o555)
    return pwsh
