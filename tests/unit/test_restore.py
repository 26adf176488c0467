"""Restoring a server that leaves the stack, also one that does not answer. Its "PowerShell" is this Python."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from components import powershell
from components.restoration import RESTORE
from rehearsal.ports import find_free_ports
from rehearsal.stand_ins import windows_state
from rehearsal.tools import REPOSITORY
from restoration import restore
from tests.unit.scripted_ssh_server import PASSWORD as JUMP_PASSWORD
from tests.unit.scripted_ssh_server import ScriptedSshServer
from tests.unit.servers import PASSWORD, USER, Farm

pytestmark = pytest.mark.unit

ADDRESS = "127.40.0.11"
SUCCEEDS = "print('{\"changed\": 3}')"
ECHO_DOCUMENT = "import sys; sys.stderr.write(sys.stdin.read()); sys.exit(1)"


class LeavingServer:
    """A server that leaves the stack. `document` is the standard input of its command."""

    def __init__(self, farm: Farm, scripts: Path) -> None:
        [self.port] = find_free_ports([ADDRESS], 1)
        self.farm, self._scripts = farm, scripts
        self.server = farm.server("ex01", address=ADDRESS, ssh_port=self.port)
        self.document: dict[str, Any] = {
            "server": "ex01",
            "exchangeVersion": "2016",
            "recycleAppPools": True,
            "host": ADDRESS,
            "port": self.port,
            "hostKey": self.server.host_key,
            "user": USER,
            "password": PASSWORD,
            "privateKey": None,
            "jumpHost": None,
        }

    def restore(self, script: str = SUCCEEDS, **changes: Any) -> str:
        (self._scripts / "Restore-ClientAccessNamespace.ps1").write_text(script)
        return asyncio.run(restore.restore_urls({**self.document, **changes}))


@pytest.fixture
def leaving(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeavingServer:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    monkeypatch.setattr(powershell, "SCRIPTS", scripts)
    return LeavingServer(farm, scripts)


def test_the_script_is_copied_and_run_and_its_result_reported(leaving: LeavingServer) -> None:
    assert leaving.restore() == "ex01 has its old URLs back: 3 settings changed."


def test_a_shell_that_prints_more_hides_no_result_and_a_lost_report_fails_nothing(leaving: LeavingServer) -> None:
    windows_state.change_state(leaving.server.drive.root, autoRun="Property of CORP")
    marked = f"print({powershell.REPORT_BEGINS!r}, '{{\"changed\": 3}}', {powershell.REPORT_ENDS!r}, sep='\\n')"
    assert leaving.restore(marked) == "ex01 has its old URLs back: 3 settings changed."
    without_report = leaving.restore("print('{\"chang')")
    assert without_report == "ex01 has its old URLs back: an unknown number of settings changed."


@pytest.mark.parametrize("code", [3, 7])
def test_a_server_without_exchange_or_without_original_settings_has_nothing_to_put_back(
    leaving: LeavingServer, code: int
) -> None:
    assert "nothing to restore" in leaving.restore(f"import sys; sys.exit({code})")


def test_a_script_that_fails_is_reported_with_its_message(leaving: LeavingServer) -> None:
    script = "import sys; sys.exit('Exchange accepted the settings, but now reports other values.')"
    with pytest.raises(restore.NotRestoredError, match=r"^ex01 was not restored: Exchange accepted the settings"):
        leaving.restore(script)


def test_the_script_gets_a_credential_only_for_a_logon_with_a_key(leaving: LeavingServer) -> None:
    def document(**changes: Any) -> dict[str, Any]:
        with pytest.raises(restore.NotRestoredError) as failure:
            leaving.restore(ECHO_DOCUMENT, **changes)
        found: dict[str, Any] = json.loads(str(failure.value).partition("restored: ")[2])
        return found

    plain = {"server": "ex01", "exchangeVersion": "2016", "recycleAppPools": True}
    assert document() == plain
    key = asyncssh.generate_private_key("ssh-ed25519")
    leaving.farm.accounts.put(USER, PASSWORD, key.export_public_key().decode())
    with_key = document(privateKey=key.export_private_key().decode())
    assert with_key == {**plain, "credential": {"userName": USER, "password": PASSWORD}}


def test_a_server_that_refuses_connections_or_shows_another_host_key_keeps_its_urls(leaving: LeavingServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    assert "its SSH host key is not the one that the stack expects" in leaving.restore(hostKey=other)
    leaving.server.stop()
    assert leaving.restore().startswith("ex01 keeps the namespace's URLs: the connection is refused.")


def test_a_server_that_accepts_a_connection_and_stays_silent_costs_one_dial(
    leaving: LeavingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "DIAL_SECONDS", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        report = leaving.restore(host="127.0.0.1", port=listener.getsockname()[1])
    assert report.startswith("ex01 keeps the namespace's URLs: no answer")


def test_a_server_that_refuses_the_logon_fails_the_run(leaving: LeavingServer) -> None:
    with pytest.raises(restore.NotRestoredError, match="refuses the logon") as failure:
        leaving.restore(password="another")  # noqa: S106
    assert PASSWORD not in str(failure.value)


class SilentSession(asyncssh.SSHServerSession[bytes]):
    """Accepts the SFTP session, sends `greeting`, and never answers again."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def subsystem_requested(self, _: str) -> bool:
        return True

    def session_started(self) -> None:
        self._channel.write(self._greeting)

    def eof_received(self) -> bool:
        return True  # keeps the channel open


class StuckSftp(asyncssh.SFTPServer):
    """Opens files, but never finishes a write or a close."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: Path) -> None:
        super().__init__(chan, chroot=str(root).encode())

    def open(self, *_: object) -> object:
        return object()

    async def write(self, *_: object) -> int:
        await asyncio.Event().wait()
        return 0

    async def close(self, _: object) -> None:
        await asyncio.Event().wait()


class OpenSshServer(asyncssh.SSHServer):
    """Accepts every user without a password, and starts sessions of the given kind."""

    def __init__(self, session: Callable[[], SilentSession]) -> None:
        self.session_requested = session  # type: ignore[method-assign]

    def begin_auth(self, _: str) -> bool:
        return False


SFTP_VERSION_3 = b"\0\0\0\5\2\0\0\0\3"


@pytest.mark.parametrize(
    ("session", "stuck"),
    [(SilentSession, False), (partial(SilentSession, SFTP_VERSION_3), False), (SilentSession, True)],
    ids=["at once", "after the SFTP version", "in the middle of a file"],
)
def test_a_server_that_falls_silent_after_the_logon_fails_the_run(
    leaving: LeavingServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    session: Callable[[], SilentSession],
    stuck: bool,
) -> None:
    monkeypatch.setattr(restore, "SCRIPT_SECONDS", 0.5)
    key = asyncssh.generate_private_key("ssh-ed25519")
    files = {"sftp_factory": partial(StuckSftp, root=tmp_path)} if stuck else {}
    (powershell.SCRIPTS / "Restore-ClientAccessNamespace.ps1").write_text(SUCCEEDS)

    async def talk() -> str:
        listener = await asyncssh.create_server(
            partial(OpenSshServer, session), "127.0.0.1", 0, server_host_keys=[key], encoding=None, **files
        )
        where = {"host": "127.0.0.1", "port": listener.get_port(), "hostKey": key.export_public_key().decode()}
        try:
            return await restore.restore_urls({**leaving.document, **where})
        finally:
            listener.close()

    with pytest.raises(restore.NotRestoredError, match=r"ex01 was not restored: .* did not end within 0.5 s"):
        asyncio.run(asyncio.wait_for(talk(), 10))


def test_the_server_is_reached_through_the_jump_host(leaving: LeavingServer, tmp_path: Path) -> None:
    with ScriptedSshServer(tmp_path) as jump:
        row = {"host": "127.0.0.1", "port": jump.port, "hostKey": jump.host_key, "user": "me"}
        report = leaving.restore(jumpHost={**row, "password": JUMP_PASSWORD, "privateKey": None})
        assert "3 settings changed" in report
        assert f"forward {ADDRESS}" in jump.log


RUN_AND_LIST = """\
import runpy, sys
try:
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
except SystemExit as end:
    print(end.code, *sys.modules)
"""


@pytest.mark.parametrize(
    "module", [RESTORE.partition(" -m ")[2], "operations.restore"], ids=["new states", "older states"]
)
def test_a_delete_command_needs_only_the_packages_of_the_deployed_program(leaving: LeavingServer, module: str) -> None:
    leaving.server.stop()
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST, module],
        cwd=REPOSITORY,
        input=json.dumps(leaving.document),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.startswith("ex01 keeps the namespace's URLs: the connection is refused.")
    code, *loaded = done.stdout.split()
    assert code == "0"
    ours = {name for name in loaded if name.partition(".")[0] in ("operations", "stacks", "rehearsal", "pulumi")}
    assert ours <= {"operations"}
    owners = packages_distributions()
    found = {owner.lower() for name in loaded for owner in owners.get(name.partition(".")[0], [])}
    locked = set(re.findall(r"^([a-z0-9-]+)==", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE))
    assert "asyncssh" in found
    assert {re.sub(r"[_.]", "-", name) for name in found} <= {*locked, "pip"}
