"""The program that installs Exchange on one server. Its "PowerShell" on the server is this Python."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from components import powershell
from installation import install
from installation.answer import NotInstalledError
from installation.progress import Progress, find_new_lines
from rehearsal.ports import find_free_ports
from tests.unit.servers import PASSWORD, USER, Farm

pytestmark = pytest.mark.unit

ADDRESS = "127.40.0.11"
# Answers in turn, the last one again and again; keeps each document.
SCRIPT = """\
import json, pathlib, sys
here = pathlib.Path(__file__).parent
calls = here / "calls.jsonl"
with calls.open("a") as file:
    file.write(json.dumps(json.load(sys.stdin)) + "\\n")
turn = len(calls.read_text().splitlines())
answers = json.loads((here / "answers.json").read_text())
code, report, error = answers[min(turn, len(answers)) - 1]
sys.stderr.write(error)
print({begins!r}, json.dumps(report), {ends!r}, sep="\\n")
sys.exit(code)
"""


def state(name: str, phase: str, *lines: str) -> list[Any]:
    return [0, {"state": name, "phase": phase, "progress": lines, "restarts": 0}, ""]


class NewServer:
    """A server without Exchange that answers `answers`."""

    def __init__(self, farm: Farm, scripts: Path) -> None:
        [port] = find_free_ports([ADDRESS], 1)
        self.server, self.scripts, self.shown = (
            farm.server("ex01", address=ADDRESS, ssh_port=port),
            scripts,
            io.StringIO(),
        )
        reach = {"host": ADDRESS, "port": port, "hostKey": self.server.host_key, "user": USER, "password": PASSWORD}
        request = {"server": "EX01", "exchangeVersion": "SE"}
        self.document: dict[str, Any] = {
            **reach,
            "machineId": "m",
            "request": request,
            "privateKey": None,
            "jumpHost": None,
        }

    def install(self, *answers: list[Any], **changes: Any) -> list[str]:
        (self.scripts / "answers.json").write_text(json.dumps(answers))
        program = SCRIPT.format(begins=powershell.REPORT_BEGINS, ends=powershell.REPORT_ENDS)
        (self.scripts / "Install-ExchangeServer.ps1").write_text(program)
        progress = Progress("EX01", self.shown, [PASSWORD])
        asyncio.run(install.install_exchange({**self.document, **changes}, progress))
        return self.shown.getvalue().splitlines()


@pytest.fixture
def new(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewServer:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    monkeypatch.setattr(powershell, "SCRIPTS", scripts)
    monkeypatch.setattr(install, "FIRST_PAUSE", 0.01)
    return NewServer(farm, scripts)


def test_a_server_with_exchange_costs_one_connection(new: NewServer) -> None:
    assert new.install(state("complete", "finish")) == ["EX01: Exchange is installed"]
    assert len(new.server.ssh.connections) == 1


def test_each_line_of_the_servers_log_is_shown_once_until_exchange_is_installed(new: NewServer) -> None:
    first, second = "10:00:00 features 30 features", "10:09:00 setup Setup runs"
    shown = new.install(
        state("running", "features", first),
        state("running", "features", first),
        state("restarting", "restart", first),
        state("running", "setup", first, second),
        state("complete", "finish", second),
    )
    assert shown == [f"EX01: {first}", "EX01: restarts", f"EX01: {second}", "EX01: Exchange is installed"]


def test_a_failure_ends_with_the_sentence_of_the_server_and_shows_no_password(new: NewServer) -> None:
    with pytest.raises(NotInstalledError, match=r"^EX01 setup: the disk is full\. Remove files\.$"):
        new.install([1, {"state": "failed", "phase": "setup"}, "EX01 setup: the disk is full. Remove files."])
    progress = Progress("EX01", new.shown, [PASSWORD])
    progress.say(f"given {PASSWORD}")
    assert PASSWORD not in new.shown.getvalue()


def test_a_wrong_host_key_and_a_refused_first_logon_end_the_run_at_once(new: NewServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with pytest.raises(NotInstalledError, match="its SSH host key is not the one"):
        new.install(state("complete", "finish"), hostKey=other)
    with pytest.raises(NotInstalledError, match="refuses the logon"):
        new.install(state("complete", "finish"), password="another")  # noqa: S106


def test_a_server_that_stays_silent_is_named_with_the_remedy(new: NewServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "SILENT_SECONDS", 0.05)
    new.server.stop()
    with pytest.raises(
        NotInstalledError, match=r"^EX01 has not answered for .* refused\. Look at its boot diagnostics"
    ):
        new.install(state("complete", "finish"))


def test_a_tail_that_moved_on_shows_only_its_new_lines() -> None:
    assert find_new_lines(["a", "b", "c"], ["b", "c", "d"]) == ["d"]
    assert find_new_lines(["a"], ["a"]) == []
    assert find_new_lines(["a"], ["x", "y"]) == ["x", "y"]
