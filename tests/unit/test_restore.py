"""What a server that leaves is told, and what comes of one that does not answer; its "PowerShell" is this Python."""

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
from rehearsal.datacentre import find_free_ports
from rehearsal.stand_ins import windows_state
from rehearsal.tools import REPOSITORY
from restoration import restore
from tests.unit.scripted_ssh_server import PASSWORD as JUMP_PASSWORD
from tests.unit.scripted_ssh_server import ScriptedSshServer
from tests.unit.servers import PASSWORD, USER, Farm

pytestmark = pytest.mark.unit

ADDRESS = "127.40.0.11"
FINE = "print('{\"changed\": 3}')"
TOLD = "import sys; sys.stderr.write(sys.stdin.read()); sys.exit(1)"


class Leaving:
    """One server that leaves; `document` is what its command was given."""

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

    def restore(self, script: str = FINE, **changes: Any) -> str:
        (self._scripts / "Restore-ClientAccessNamespace.ps1").write_text(script)
        return asyncio.run(restore.restore({**self.document, **changes}))


@pytest.fixture
def leaving(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Leaving:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    monkeypatch.setattr(powershell, "SCRIPTS", scripts)
    return Leaving(farm, scripts)


def test_the_script_is_copied_run_and_its_result_told(leaving: Leaving) -> None:
    assert leaving.restore() == "ex01 has the URLs back that it had before: 3 settings changed."


def test_a_shell_that_prints_takes_no_result_away_and_one_that_swallows_the_report_fails_nothing(
    leaving: Leaving,
) -> None:
    windows_state.change(leaving.server.drive.root, autoRun="Property of CORP")
    marked = f"print({powershell.REPORT_BEGINS!r}, '{{\"changed\": 3}}', {powershell.REPORT_ENDS!r}, sep='\\n')"
    assert leaving.restore(marked) == "ex01 has the URLs back that it had before: 3 settings changed."
    told = leaving.restore("print('{\"chang')")
    assert told == "ex01 has the URLs back that it had before: an unknown number of settings changed."


@pytest.mark.parametrize("code", [3, 7])
def test_a_server_without_exchange_or_without_originals_has_nothing_to_put_back(leaving: Leaving, code: int) -> None:
    assert "nothing to put back" in leaving.restore(f"import sys; sys.exit({code})")


def test_a_script_that_fails_is_told_in_its_own_words(leaving: Leaving) -> None:
    script = "import sys; sys.exit('Exchange took the settings, but reads back other values.')"
    with pytest.raises(restore.NotRestoredError, match=r"^ex01 was not restored: Exchange took the settings"):
        leaving.restore(script)


def test_the_document_is_the_scripts_and_holds_a_credential_only_for_a_logon_with_a_key(leaving: Leaving) -> None:
    def document(**changes: Any) -> dict[str, Any]:
        with pytest.raises(restore.NotRestoredError) as told:
            leaving.restore(TOLD, **changes)
        found: dict[str, Any] = json.loads(str(told.value).partition("restored: ")[2])
        return found

    plain = {"server": "ex01", "exchangeVersion": "2016", "recycleAppPools": True}
    assert document() == plain
    key = asyncssh.generate_private_key("ssh-ed25519")
    leaving.farm.accounts.put(USER, PASSWORD, key.export_public_key().decode())
    with_key = document(privateKey=key.export_private_key().decode())
    assert with_key == {**plain, "credential": {"userName": USER, "password": PASSWORD}}


def test_a_server_that_refuses_connections_or_is_another_one_is_passed_over(leaving: Leaving) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    assert "it shows another SSH host key" in leaving.restore(hostKey=other)
    leaving.server.stop()
    assert leaving.restore().startswith("ex01 keeps the namespace's URLs: the connection is refused.")


def test_a_server_that_takes_connections_and_never_speaks_costs_one_dial(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "SECONDS", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        said = leaving.restore(host="127.0.0.1", port=listener.getsockname()[1])
    assert said.startswith("ex01 keeps the namespace's URLs: no answer")


def test_a_server_that_refuses_the_logon_is_alive_and_not_passed_over(leaving: Leaving) -> None:
    with pytest.raises(restore.NotRestoredError, match="refuses the logon") as told:
        leaving.restore(password="another")  # noqa: S106
    assert PASSWORD not in str(told.value)


class Silent(asyncssh.SSHServerSession[bytes]):
    """Takes the SFTP session, greets where it is told to, and never answers again."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def subsystem_requested(self, _: str) -> bool:
        return True

    def session_started(self) -> None:
        self._channel.write(self._greeting)

    def eof_received(self) -> bool:
        return True  # nothing is closed


class Stuck(asyncssh.SFTPServer):
    """Opens files, and takes nothing that is written there."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: Path) -> None:
        super().__init__(chan, chroot=str(root).encode())

    def open(self, *_: object) -> object:
        return object()

    async def write(self, *_: object) -> int:
        await asyncio.Event().wait()
        return 0

    async def close(self, _: object) -> None:
        await asyncio.Event().wait()


class Guest(asyncssh.SSHServer):
    """Whoever comes is in; a session is one of this kind."""

    def __init__(self, session: Callable[[], Silent]) -> None:
        self.session_requested = session  # type: ignore[method-assign]

    def begin_auth(self, _: str) -> bool:
        return False


VERSION_3 = b"\0\0\0\5\2\0\0\0\3"


@pytest.mark.parametrize(
    ("session", "stuck"),
    [(Silent, False), (partial(Silent, VERSION_3), False), (Silent, True)],
    ids=["at once", "after it spoke of its version", "in the middle of a file"],
)
def test_a_server_that_goes_silent_once_it_is_logged_on_to_fails_the_run_in_the_end(
    leaving: Leaving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: Callable[[], Silent], stuck: bool
) -> None:
    monkeypatch.setattr(restore, "SCRIPT_SECONDS", 0.5)
    key = asyncssh.generate_private_key("ssh-ed25519")
    files = {"sftp_factory": partial(Stuck, root=tmp_path)} if stuck else {}
    (powershell.SCRIPTS / "Restore-ClientAccessNamespace.ps1").write_text(FINE)

    async def talk() -> str:
        listener = await asyncssh.create_server(
            partial(Guest, session), "127.0.0.1", 0, server_host_keys=[key], encoding=None, **files
        )
        where = {"host": "127.0.0.1", "port": listener.get_port(), "hostKey": key.export_public_key().decode()}
        try:
            return await restore.restore({**leaving.document, **where})
        finally:
            listener.close()

    with pytest.raises(restore.NotRestoredError, match=r"ex01 was not restored: .* did not end within 0.5 s"):
        asyncio.run(asyncio.wait_for(talk(), 10))


def test_the_way_leads_through_the_jump_host(leaving: Leaving, tmp_path: Path) -> None:
    with ScriptedSshServer(tmp_path) as jump:
        row = {"host": "127.0.0.1", "port": jump.port, "hostKey": jump.host_key, "user": "me"}
        said = leaving.restore(jumpHost={**row, "password": JUMP_PASSWORD, "privateKey": None})
        assert "3 settings changed" in said
        assert f"forward {ADDRESS}" in jump.log


RUN_AND_LIST = """\
import runpy, sys
try:
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
except SystemExit as end:
    print(end.code, *sys.modules)
"""


@pytest.mark.parametrize("module", [RESTORE.partition(" -m ")[2], "operations.restore"], ids=["now", "in older states"])
def test_a_delete_text_runs_with_the_packages_of_the_deployed_program_alone(leaving: Leaving, module: str) -> None:
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
