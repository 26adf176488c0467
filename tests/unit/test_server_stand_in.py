"""A whole server: SSH that a script switches on, and the answers on a computer without PowerShell."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from components import powershell
from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.script_results import CommandResult
from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.servers import Farm, namespace_settings
from tests.unit.ssh_client import RUN, attempt, put_script, run

pytestmark = pytest.mark.unit

SWITCH_ON = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["EXCHANGE_STANDIN_ROOT"])
(root / "windows.json").write_text(json.dumps({"sshd": {"status": "Running", "port": 0}}))
print(sys.argv[1:], sys.stdin.read() == "")
"""
ASK_FOR_RESTART = """
import json, os, pathlib
file = pathlib.Path(os.environ["EXCHANGE_STANDIN_ROOT"], "windows.json")
file.write_text(json.dumps({**json.loads(file.read_text()), "restartRequested": True}))
print("restarting")
"""
PATIENCE = 60  # seconds


def test_ssh_is_off_on_a_new_server_until_a_script_enables_it(farm: Farm) -> None:
    server = farm.server(ssh_port=None)
    assert server.ssh.port is None
    result = server.run_script(SWITCH_ON, {"Port": "22"})
    assert result == CommandResult(exit_code=0, output="['-Port', '22'] True\r\n", error="")
    attempt(server)


def test_a_script_that_fails_leaves_ssh_off(farm: Farm) -> None:
    server = farm.server(ssh_port=None)
    result = server.run_script("import sys; sys.exit('no package')", {})
    assert (result.exit_code, result.error) == (1, "no package\r\n")
    assert server.ssh.port is None


def test_a_stopped_ssh_service_does_not_listen(farm: Farm) -> None:
    server = farm.server(ssh_port=None)
    (server.drive.root / "windows.json").write_text(json.dumps({"sshd": {"status": "Stopped", "port": 0}}))
    server.start()
    assert server.ssh.port is None


def test_enabling_ssh_keeps_the_other_values_of_windows_json(farm: Farm) -> None:
    root = farm.folder / "ex01"
    root.mkdir()
    (root / "windows.json").write_text(json.dumps({"build": 9600}))
    farm.server(ssh_port=0)
    kept = json.loads((root / "windows.json").read_text())
    assert (kept["build"], kept["sshd"]["status"]) == (9600, "Running")


def test_enabled_ssh_listens_after_a_restart(farm: Farm) -> None:
    server = farm.server(ssh_port=None)
    server.run_script(SWITCH_ON, {})
    server.stop()
    server.start()
    attempt(server)


def test_a_server_restarts_when_a_script_asks_for_it_and_has_answered(farm: Farm) -> None:
    server = farm.server()
    put_script(server, ASK_FOR_RESTART)
    waits = [sys.executable, "-c", "input()"]
    options: dict[str, Any] = {"stdin": subprocess.PIPE, "start_new_session": True}
    with (
        subprocess.Popen([*waits, "Invoke-OnServer.ps1"], **options) as task,
        subprocess.Popen(waits, **options) as other,
    ):
        # A number of an older task, which another program has now.
        tasks = {"Example": {"pid": task.pid}, "Older": {"pid": other.pid}}
        windows_state.change_state(server.drive.root, tasks=tasks)
        assert run(server, RUN).stdout == "restarting\r\n"
        assert task.wait(PATIENCE) == -signal.SIGKILL
        assert other.communicate(b"\n", PATIENCE) == (None, None)
        assert other.returncode == 0, "the other program ended by itself"
    until = time.monotonic() + PATIENCE
    while windows_state.read_state(server.drive.root).get("boots") != 1 or server.ssh.port is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    attempt(server)
    server.stop()
    assert windows_state.read_state(server.drive.root)["boots"] == 1


def test_a_run_script_is_deleted_from_the_drive(farm: Farm) -> None:
    server = farm.server()
    server.run_script("print(1)", {"Secret": "x"})
    assert list(server.drive.root.rglob("*.ps1")) == []


@pytest.fixture
def server(farm: Farm) -> ServerStandIn:
    """A server on a computer without PowerShell, as a fresh setup leaves it, with the project's scripts on it."""
    running = farm.server(pwsh=None, client_name="ex01.corp.example")
    folder = running.drive.local("C:/ProgramData/ExchangeCas/1234")
    folder.mkdir(parents=True)
    for verb in ("Set", "Get", "Restore"):
        Path(folder, f"{verb}-ClientAccessNamespace.ps1").write_text("throw 'no PowerShell runs this'")
    return running


def namespace(on: ServerStandIn, verb: str, /, **request: Any) -> tuple[int | None, Any, str]:
    """Exit status, document and error of a namespace script that is run over SSH."""
    stdin = json.dumps({"server": "ex01", "exchangeVersion": "2016", "settings": namespace_settings(), **request})
    result = run(
        on,
        f"powershell -NoProfile -File C:/ProgramData/ExchangeCas/1234/{verb}-ClientAccessNamespace.ps1",
        stdin=stdin,
    )
    return result.exit_status, powershell.read_report(str(result.stdout), "server"), str(result.stderr)


def test_without_powershell_the_namespace_is_set_once_and_reported(farm: Farm, server: ServerStandIn) -> None:
    status, document, _ = namespace(server, "Set")
    assert (status, document["agreement"], document["skipped"]) == (0, True, {})
    assert document["settings"]["owa"]["InternalUrl"] == {
        "before": "https://ex01.corp.example/owa",
        "expected": "https://owa.mail-domain.com/owa",
        "after": "https://owa.mail-domain.com/owa",
        "changed": True,
    }
    assert farm.organisation.settings("ex01") == namespace_settings()
    again = namespace(server, "Set")[1]
    assert (again["changed"], again["agreement"]) == (0, True)


def test_without_powershell_letter_case_and_list_order_are_no_change(farm: Farm, server: ServerStandIn) -> None:
    farm.organisation.change("EX01", "mapi", "IISAuthenticationMethods", ["OAuth", "Ntlm"])
    farm.organisation.change("EX01", "mapi", "InternalUrl", "https://OWA.mail-domain.com/MAPI")
    wanted = {
        "mapi": {"InternalUrl": "https://owa.mail-domain.com/mapi", "IISAuthenticationMethods": ["ntlm", "oauth"]}
    }
    assert namespace(server, "Set", settings=wanted)[1]["changed"] == 0


def test_without_powershell_a_service_that_a_server_lacks_is_skipped(farm: Farm, server: ServerStandIn) -> None:
    farm.organisation.add_server("EX01", version="2013RTM")
    status, document, _ = namespace(server, "Set", exchangeVersion="2013")
    assert (status, list(document["skipped"])) == (0, ["mapi"])


def test_without_powershell_reading_writes_nothing(farm: Farm, server: ServerStandIn) -> None:
    before = farm.organisation.settings("ex01")
    status, document, _ = namespace(server, "Get")
    sorted_methods = before["mapi"] | {"IISAuthenticationMethods": ["Negotiate", "Ntlm", "OAuth"]}
    assert (status, document["settings"]) == (0, before | {"mapi": sorted_methods})
    assert farm.organisation.settings("ex01") == before


def test_without_powershell_the_original_values_can_be_restored(farm: Farm, server: ServerStandIn) -> None:
    before = farm.organisation.settings("ex01")
    namespace(server, "Set")
    namespace(server, "Set", settings={"owa": {"InternalUrl": "https://third.mail-domain.com/owa"}})
    assert namespace(server, "Restore")[0] == 0
    assert farm.organisation.settings("ex01") == before


def test_without_powershell_the_wrong_server_is_refused(farm: Farm, server: ServerStandIn) -> None:
    before = farm.organisation.settings("ex01")
    status, document, error = namespace(server, "Set", server="ex02")
    assert (status, document["agreement"], document["settings"]) == (2, False, {})
    assert "the document is for ex02, this server is EX01" in error
    assert farm.organisation.settings("ex01") == before


def test_without_powershell_a_server_without_exchange_is_reported(farm: Farm, server: ServerStandIn) -> None:
    farm.organisation.remove_server("EX01")
    status, document, error = namespace(server, "Set")
    assert (status, document["agreement"], document["settings"]) == (3, False, {})
    assert "configureNamespace: false" in error


def test_output_of_cmds_autorun_is_printed_before_the_report(server: ServerStandIn) -> None:
    windows_state.change_state(server.drive.root, autoRun="Property of CORP")
    script = "C:/ProgramData/ExchangeCas/1234/Get-ClientAccessNamespace.ps1"
    result = run(server, f"powershell -NoProfile -File {script}", stdin="{}")
    assert str(result.stdout).startswith(f"Property of CORP\r\n{powershell.REPORT_BEGINS}\r\n")
    assert namespace(server, "Get")[0] == 0


def test_without_powershell_the_ssh_script_enables_ssh_and_returns_the_host_key(farm: Farm) -> None:
    server = farm.server(pwsh=None, ssh_port=None)
    result = server.run_script("# installs OpenSSH", {"Port": "0"})
    assert powershell.read_report(result.output, "hostKey") == {"hostKey": server.host_key}
    attempt(server)
