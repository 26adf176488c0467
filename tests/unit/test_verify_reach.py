"""verify with silent or lost servers, a jump host, or a private key."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import asyncssh
import pytest

from operations.check.dns import ask_resolver
from operations.check.https import check_site
from operations.check.settings import check_server
from operations.check.verify import Verification
from operations.result import State, exit_code
from tests.unit.deployment import SCRIPTS, Deployment, describe_findings
from tests.unit.scripted_ssh_server import PASSWORD as JUMP_PASSWORD
from tests.unit.scripted_ssh_server import ScriptedSshServer
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm
from tests.unit.standing_clock import StandingClock, count_running

pytestmark = pytest.mark.unit


def unseen(result: Verification) -> list[str]:
    return describe_findings(result, State.UNSEEN)


def left(sites: int, settings: int) -> bool:
    """Whether at most so many checks of sites and of settings are running, and no DNS query."""
    looks = count_running(check_site), count_running(check_server)
    return sum(looks) > 0 and looks[0] <= sites and looks[1] <= settings and not count_running(ask_resolver)


def test_twenty_servers_with_a_silent_one_take_15_seconds_at_most(farm: Farm) -> None:
    deployment = Deployment(farm=farm, count=20)
    deployment.servers[6].silence()
    clock = StandingClock(only_timers=lambda: left(2, 1))
    result = deployment.verify(run=clock.run)
    assert 10 <= clock.seconds <= 15, "one dial, and all else meanwhile"
    assert unseen(result) == [
        f"EX07 certificate for {AUTODISCOVER}: no answer within 5 s",
        f"EX07 certificate for {OWA}: no answer within 5 s",
        "EX07 settings: no answer over SSH within 10 s",
    ]
    assert exit_code(result.findings()) == 2
    assert {row.server for row in result.settings if len(row.settings) == 21} == {
        f"EX{number:02}" for number in range(1, 21) if number != 7
    }


def test_a_silent_web_site_means_could_not_look_and_the_settings_are_still_read(farm: Farm) -> None:
    deployment = Deployment(farm=farm)
    deployment.servers[0].stop_https()  # stealth mode is on: the closed port is silent
    result = deployment.verify(run=StandingClock(only_timers=lambda: left(2, 0)).run)
    assert len(unseen(result)) == 2
    assert len(result.settings[0].settings) == 21


def test_a_connection_lost_while_the_script_runs_is_detected(farm: Farm, tmp_path: Path) -> None:
    deployment = Deployment(farm=farm, count=1, pwsh=sys.executable)
    deployment.values["allowSingleServer"] = True
    (server,), opened = deployment.servers, tmp_path / "running"
    os.mkfifo(opened)
    server.drive.local(f"{SCRIPTS}Get-ClientAccessNamespace.ps1").write_text(
        f"import time\nopen({str(opened)!r}, 'w').close()\ntime.sleep(600)"
    )
    runs = threading.Thread(target=lambda: opened.open().close(), daemon=True)  # ends when the script has opened it too
    runs.start()
    lost = False

    def only_timers() -> bool:
        nonlocal lost
        if not lost and not runs.is_alive() and left(0, 1):
            server.silence()
            lost = True
        return lost

    clock = StandingClock(only_timers=only_timers)
    result = deployment.verify(run=clock.run)
    assert 0 < clock.seconds <= 15
    assert unseen(result) == ["EX01 settings: the connection was lost"]


def test_differences_are_listed_although_another_server_could_not_be_checked(farm: Farm) -> None:
    deployment = Deployment(farm=farm)
    farm.organisation.change("ex01", "owa", "InternalUrl", "https://other/owa")
    deployment.servers[1].stop()
    result = deployment.verify()
    assert [row.setting for row in result.settings[0].drifted] == ["InternalUrl"]
    assert unseen(result) == ["EX02 settings: the connection is refused"]
    assert exit_code(result.findings()) == 2


def test_a_logon_with_a_key_passes_the_credential_on_standard_input(farm: Farm) -> None:
    deployment = Deployment(farm=farm)
    key = asyncssh.generate_private_key("ssh-ed25519")
    farm.accounts.put(USER, PASSWORD, key.export_public_key().decode())
    deployment.values["operatorPrivateKey"] = key.export_private_key().decode()
    stack = deployment.stack()
    assert stack.operator.credential == {"userName": USER, "password": PASSWORD}
    assert exit_code(deployment.verify().findings()) == 0
    assert {connection.logon for server in deployment.servers for connection in server.ssh.connections} == {"key"}


def through(deployment: Deployment, jump: ScriptedSshServer, password: str = JUMP_PASSWORD) -> None:
    row = {"host": "127.0.0.1", "port": jump.port, "user": "me", "hostKey": jump.host_key}
    deployment.values["ssh"]["jumpHost"] = row
    deployment.values["jumpHostPassword"] = password


def test_all_connections_to_a_server_go_through_the_jump_host(farm: Farm, tmp_path: Path) -> None:
    deployment = Deployment(farm=farm)
    with ScriptedSshServer(tmp_path / "jump") as jump:
        through(deployment, jump)
        result = deployment.verify()
    assert exit_code(result.findings()) == 0, unseen(result)
    assert jump.log.count("connect") == 1
    assert {line for line in jump.log if line.startswith("forward")} == {"forward 127.40.1.1", "forward 127.40.1.2"}


def test_a_jump_host_that_refuses_the_logon_means_could_not_look(farm: Farm, tmp_path: Path) -> None:
    deployment = Deployment(farm=farm)
    with ScriptedSshServer(tmp_path / "jump") as jump:
        through(deployment, jump, "wrong")
        result = deployment.verify()
    assert len(unseen(result)) == 6
    assert all(line.endswith("it refuses the logon over SSH") for line in unseen(result))
    assert [row.state for row in result.dns] == [State.FINE, State.FINE]


def test_a_stopped_jump_host_means_could_not_look(farm: Farm, tmp_path: Path) -> None:
    deployment = Deployment(farm=farm)
    with ScriptedSshServer(tmp_path / "jump") as jump:
        through(deployment, jump)
    result = deployment.verify()
    sites = [site.certificate for site in result.sites]
    assert {row.state for row in sites} == {State.UNSEEN}
    assert {row.detail for row in sites} == {"jump host: the connection is refused"}
    assert exit_code(result.findings()) == 2
