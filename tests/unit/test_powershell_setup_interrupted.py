"""A set-up of PowerShell that was killed, or that runs beside another one, leaves nothing half done."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest

from rehearsal.powershell import install, lookup, release
from tests.unit.powershell_setup import NAME, Computer, archive
from tests.unit.programs import official_answer, write_program

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


def test_a_folder_that_the_set_up_did_not_finish_is_replaced(computer: Computer) -> None:
    write_program(computer.tools / "pwsh" / "pwsh", official_answer("6.0.0"))
    computer.set_up()
    found = lookup.locate_powershell()
    assert found
    assert (found.version, found.origin) == ("7.4.12", "the official release archive")


def test_leftovers_of_a_killed_set_up_are_removed(computer: Computer) -> None:
    computer.set_up()
    for role in ("new", "old"):
        write_program(computer.tools / f"pwsh.{role}" / "Modules" / "pwsh", official_answer("0.0.0"))
        (computer.tools / f"pwsh.{role}" / "Modules").chmod(0o555)
    computer.download.parent.mkdir()
    computer.download.write_bytes(computer.server.content)
    assert computer.set_up() == ([], [])
    assert computer.rest() == set()
    assert lookup.locate_powershell()


def test_a_set_up_that_was_killed_between_its_two_renames_is_completed(computer: Computer) -> None:
    computer.set_up()
    (computer.tools / "pwsh").rename(computer.tools / "pwsh.old")
    write_program(computer.tools / "pwsh.new" / "pwsh", official_answer())
    assert lookup.locate_powershell() is None
    computer.set_up()
    assert lookup.locate_powershell()
    assert computer.rest() == set()


def test_the_download_of_another_version_is_removed(computer: Computer) -> None:
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
    assert lookup.locate_powershell()


def test_a_killed_set_up_leaves_nothing_half_done_and_the_next_one_continues(computer: Computer) -> None:
    """Runs in another process without packages, with the standard library only."""
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
    assert lookup.locate_powershell() is None
    computer.server.silent_after = None
    again = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=True)
    assert again.stdout.splitlines()[-1] == "powershell: 7.4.12 installed from the official release archive"
    assert again.stderr == ""
    assert lookup.locate_powershell()
    assert computer.rest() == set()
