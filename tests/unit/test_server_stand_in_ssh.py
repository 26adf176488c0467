"""A server stand-in's SSH: logon, host key, connections and sessions."""

from __future__ import annotations

import asyncio
import threading

import asyncssh
import pytest

from tests.unit.servers import PASSWORD, USER, Farm
from tests.unit.ssh_client import RUN, attempt, connect, put_script, run

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "user", ["CORP\\exchange-operator", "corp\\Exchange-Operator", "exchange-operator@corp.example"]
)
def test_an_account_can_log_on_with_either_form_of_its_name(farm: Farm, user: str) -> None:
    server = farm.server()
    attempt(server, user=user)
    assert (server.ssh.connections[0].user, server.ssh.connections[0].logon) == (user, "password")


@pytest.mark.parametrize(
    ("user", "password"), [(USER, "wrong"), ("OTHER\\exchange-operator", PASSWORD), ("exchange-operator", PASSWORD)]
)
def test_a_wrong_password_or_another_domains_user_is_refused(farm: Farm, user: str, password: str) -> None:
    server = farm.server()
    with pytest.raises(asyncssh.PermissionDenied):
        attempt(server, user=user, password=password)
    assert server.ssh.connections[0].user is None


def test_a_changed_password_applies_to_the_next_logon(farm: Farm) -> None:
    server = farm.server()
    farm.accounts.put(USER, "another-Password-2")
    with pytest.raises(asyncssh.PermissionDenied):
        attempt(server)
    attempt(server, password="another-Password-2")  # noqa: S106


def test_keyboard_interactive_accepts_the_password(farm: Farm) -> None:
    attempt(farm.server(), preferred_auth="keyboard-interactive")


def test_a_script_sees_whether_the_logon_was_by_key_or_password(farm: Farm) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    farm.accounts.put(USER, PASSWORD, key.export_public_key().decode())
    server = farm.server()
    put_script(server, "import os; print(os.environ['EXCHANGE_STANDIN_LOGON'])")
    assert run(server, RUN, client_keys=[key], password=None).stdout == "key\r\n"
    assert run(server, RUN).stdout == "password\r\n"


def test_an_unknown_key_is_refused(farm: Farm) -> None:
    server = farm.server()
    with pytest.raises(asyncssh.PermissionDenied):
        attempt(server, password=None, client_keys=[asyncssh.generate_private_key("ssh-ed25519")])


def test_the_pinned_host_key_is_on_the_servers_disk_and_survives_a_restart(farm: Farm) -> None:
    server = farm.server()
    on_disk = (server.drive.root / "C/ProgramData/ssh/ssh_host_ed25519_key.pub").read_text()
    assert on_disk.startswith(server.host_key)
    pinned = server.host_key
    assert len(pinned.split()) == 2
    server.stop()
    again = farm.server()
    attempt(again)
    assert again.host_key == pinned


def test_a_client_that_pins_another_host_key_does_not_connect(farm: Farm) -> None:
    server, other = farm.server(), farm.server("ex02", address="127.40.0.12")
    known = asyncssh.import_known_hosts(f"[127.40.0.11]:{server.ssh.port} {other.host_key}\n")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        attempt(server, known_hosts=known)


def test_environment_variables_are_refused(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "import os; print(os.environ.get('LC_SECRET'))")
    answers: list[bool] = []

    async def go() -> asyncssh.SSHCompletedProcess:
        async with connect(server) as connection:
            channel, _ = await connection.create_session(asyncssh.SSHClientSession, RUN, env={"LC_SECRET": "x"})
            # The client's library sends variables without asking for an answer; this asks.
            answers.append(
                await channel._make_request(b"env", asyncssh.packet.String("A"), asyncssh.packet.String("B"))
            )
            channel.close()
            result: asyncssh.SSHCompletedProcess = await connection.run(RUN, env={"LC_SECRET": "x"})
            return result

    assert asyncio.run(go()).stdout == "None\r\n"
    assert answers == [False]


def test_there_is_no_interactive_shell(farm: Farm) -> None:
    with pytest.raises(asyncssh.ChannelOpenError):
        run(farm.server(), None)  # type: ignore[arg-type]


def test_an_eleventh_session_of_one_connection_is_refused(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "import sys; sys.stdin.read()")

    async def go() -> None:
        async with connect(server) as connection:
            for _ in range(10):
                await connection.create_process(RUN)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_process(RUN)

    asyncio.run(go())


def test_ended_sessions_do_not_count(farm: Farm) -> None:
    server = farm.server()

    async def go() -> list[int | None]:
        async with connect(server) as connection:
            return [(await connection.run("ls")).exit_status for _ in range(12)]

    assert asyncio.run(go()) == [1] * 12


def test_a_stopped_server_closes_its_connections_and_listens_after_the_next_start(farm: Farm) -> None:
    server = farm.server()

    async def go() -> None:
        async with connect(server) as connection:
            await asyncio.to_thread(server.stop)
            await connection.wait_closed()

    asyncio.run(go())
    assert server.ssh.port is None
    server.start()
    attempt(server)
    assert len(server.ssh.connections) == 2


def test_twenty_servers_start_no_threads(farm: Farm) -> None:
    before = threading.active_count()
    servers = [farm.server(f"ex{n:02}", address=f"127.40.0.{n}") for n in range(1, 21)]
    assert threading.active_count() == before
    attempt(servers[10])
