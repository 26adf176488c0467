"""A server's SSH and SFTP, used over real sockets by asyncssh's client."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from rehearsal.stand_ins.server import ServerStandIn
from tests.unit.provider_client import COMMAND, ProviderClient, secret
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm

pytestmark = pytest.mark.unit

SCRIPT = "C:/ProgramData/ExchangeCas/1234/Example.ps1"
RUN = f"powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {SCRIPT}"


def connect(server: ServerStandIn, user: str = USER, **options: Any) -> Any:
    """A connection that pins the server's host key and offers a password, unless told otherwise."""
    known = asyncssh.import_known_hosts(f"[127.40.0.11]:{server.ssh.port} {server.host_key}\n")
    options = {"password": PASSWORD, "known_hosts": known, "client_keys": None, "config": None, **options}
    return asyncssh.connect("127.40.0.11", server.ssh.port, username=user, **options)


def run(server: ServerStandIn, command: str, *, stdin: str = "", **options: Any) -> asyncssh.SSHCompletedProcess:
    async def go() -> asyncssh.SSHCompletedProcess:
        async with connect(server, **options) as connection:
            result: asyncssh.SSHCompletedProcess = await connection.run(command, input=stdin)
            return result

    return asyncio.run(go())


def with_sftp(server: ServerStandIn, steps: Any) -> Any:
    async def go() -> Any:
        async with connect(server) as connection, connection.start_sftp_client() as sftp:
            return await steps(sftp)

    return asyncio.run(go())


def put_script(server: ServerStandIn, text: str, path: str = SCRIPT) -> None:
    local = Path(server.drive.local(path))
    local.parent.mkdir(parents=True, exist_ok=True)
    local.write_text(text, encoding="utf-8")


def attempt(server: ServerStandIn, **options: Any) -> None:
    async def go() -> None:
        async with connect(server, **options):
            pass

    asyncio.run(go())


@pytest.mark.parametrize(
    "user", ["CORP\\exchange-operator", "corp\\Exchange-Operator", "exchange-operator@corp.example"]
)
def test_an_account_logs_on_under_either_form_of_its_name(farm: Farm, user: str) -> None:
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


def test_a_changed_password_counts_from_the_next_logon_on(farm: Farm) -> None:
    server = farm.server()
    farm.accounts.put(USER, "another-Password-2")
    with pytest.raises(asyncssh.PermissionDenied):
        attempt(server)
    attempt(server, password="another-Password-2")  # noqa: S106


def test_keyboard_interactive_takes_the_password(farm: Farm) -> None:
    attempt(farm.server(), preferred_auth="keyboard-interactive")


def test_a_key_logon_is_told_to_the_script_as_such(farm: Farm) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    farm.accounts.put(USER, PASSWORD, key.export_public_key().decode())
    server = farm.server()
    put_script(server, "import os; print(os.environ['EXCHANGE_STANDIN_LOGON'])")
    assert run(server, RUN, client_keys=[key], password=None).stdout == "key\r\n"
    assert run(server, RUN).stdout == "password\r\n"


def test_a_key_that_is_not_the_accounts_is_refused(farm: Farm) -> None:
    server = farm.server()
    with pytest.raises(asyncssh.PermissionDenied):
        attempt(server, password=None, client_keys=[asyncssh.generate_private_key("ssh-ed25519")])


def test_the_pinned_host_key_is_the_one_on_the_servers_disk_and_stays_the_same(farm: Farm) -> None:
    server = farm.server()
    on_disk = (server.drive.root / "C/ProgramData/ssh/ssh_host_ed25519_key.pub").read_text()
    assert on_disk.startswith(server.host_key)
    pinned = server.host_key
    assert len(pinned.split()) == 2
    server.stop()
    again = farm.server()
    attempt(again)
    assert again.host_key == pinned


def test_a_connection_that_pins_another_host_key_is_not_made(farm: Farm) -> None:
    server, other = farm.server(), farm.server("ex02", address="127.40.0.12")
    known = asyncssh.import_known_hosts(f"[127.40.0.11]:{server.ssh.port} {other.host_key}\n")
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        attempt(server, known_hosts=known)


def test_a_script_gets_its_input_and_its_output_comes_back_in_windows_lines(farm: Farm) -> None:
    server = farm.server()
    put_script(
        server,
        "import sys; text = sys.stdin.read(); print(text.upper()); print('to people', file=sys.stderr); sys.exit(3)",
    )
    result = run(server, RUN, stdin="one\ntwo")
    assert (result.stdout, result.stderr, result.exit_status) == ("ONE\r\nTWO\r\n", "to people\r\n", 3)


def test_a_script_that_ignores_a_large_input_still_ends_well(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "print('done')")
    result = run(server, RUN, stdin="x" * 1_000_000)
    assert (result.stdout, result.exit_status) == ("done\r\n", 0)


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("print('done')", f'EOF: running "{RUN}":\ndone\r\n'),
        ("import sys; sys.stdin.buffer.raw.read(1); print('done')", f'EOF: running "{RUN}":\ndone\r\n'),
        ("import sys; sys.stdin.read(); print('done')", "done\r"),
        ("import sys; sys.exit(3)", f'Process exited with status 3: running "{RUN}":\n'),
    ],
)
def test_the_command_provider_fails_a_script_that_ends_well_without_reading_its_input(
    farm: Farm, client: ProviderClient, script: str, outcome: str
) -> None:
    server = farm.server()
    put_script(server, script)
    there = {"host": "127.40.0.11", "port": server.ssh.port, "user": USER, "password": PASSWORD}
    inputs = client.check(COMMAND, "r", {"connection": secret(there), "create": RUN, "stdin": "given"})
    client.create(COMMAND, "r", inputs)
    ended = client.lines[-1]
    assert outcome == (ended["error"]["details"] if "error" in ended else ended["answer"]["properties"]["stdout"])


def test_output_of_a_million_letters_arrives_whole(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "print('x' * 1_000_000)")
    assert run(server, RUN).stdout == "x" * 1_000_000 + "\r\n"


def test_a_script_knows_its_server_and_the_names_it_can_resolve(farm: Farm) -> None:
    server = farm.server()
    put_script(
        server,
        "import os, pathlib\n"
        "print(os.environ['COMPUTERNAME'], os.environ['EXCHANGE_STANDIN_ROOT'])\n"
        "print(pathlib.Path(os.environ['EXCHANGE_STANDIN_NAMES']).read_text().split())",
    )
    name, names = str(run(server, RUN).stdout).splitlines()
    assert name == f"EX01 {server.drive.root}"
    assert names == str([AUTODISCOVER, OWA])


def test_arguments_with_spaces_reach_the_script_as_one(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "import sys; print(sys.argv[1:])", "C:/Program Files/Example.ps1")
    result = run(server, 'powershell.exe -NoProfile -File "C:\\Program Files\\example.PS1" -Name "two words"')
    assert result.stdout == "['-Name', 'two words']\r\n"


def test_a_script_is_found_by_a_path_with_backslashes(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "print('ran')")
    assert run(server, RUN.replace("/", "\\")).stdout == "ran\r\n"


@pytest.mark.parametrize("path", [SCRIPT, "D:/Example.ps1", "C:/ProgramData"])
def test_a_script_that_is_not_there_is_said_to_be_missing_and_never_ends_with_0(farm: Farm, path: str) -> None:
    result = run(farm.server(), RUN.replace(SCRIPT, path))
    assert result.exit_status == 255
    assert f"The argument '{path}' to the -File parameter does not exist." in str(result.stderr)


def test_a_command_that_cmd_does_not_know_ends_with_1(farm: Farm) -> None:
    result = run(farm.server(), "ls -l")
    assert result.exit_status == 1
    assert str(result.stderr).startswith("'ls' is not recognized as an internal or external command,\r\n")


@pytest.mark.parametrize(
    "command", [f"{RUN} && {RUN}", f'{RUN} "open', f"{RUN} > C:/out.txt", RUN.replace("C:", "%SystemDrive%")]
)
def test_what_cmd_would_interpret_is_refused_rather_than_guessed(farm: Farm, command: str) -> None:
    server = farm.server()
    put_script(server, "print('ran')")
    result = run(server, command)
    assert (result.exit_status, result.stdout) == (1, "")


@pytest.mark.parametrize("options", ["-Command Get-Date", f"-Fiel x -File {SCRIPT}", "-File", ""])
def test_powershell_without_a_script_file_is_refused(farm: Farm, options: str) -> None:
    server = farm.server()
    put_script(server, "print('ran')")
    result = run(server, f"powershell -NoProfile {options}")
    assert (result.exit_status, result.stdout) == (1, "")


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


def test_sessions_that_ended_make_room_for_others(farm: Farm) -> None:
    server = farm.server()

    async def go() -> list[int | None]:
        async with connect(server) as connection:
            return [(await connection.run("ls")).exit_status for _ in range(12)]

    assert asyncio.run(go()) == [1] * 12


def test_a_script_is_ended_when_its_connection_is_lost(farm: Farm, tmp_path: Path) -> None:
    server = farm.server()
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    put_script(server, f"import sys; alive = open({str(fifo)!r}, 'w'); print('up', flush=True); sys.stdin.read(); ")
    ended = threading.Event()

    def watch() -> None:
        with fifo.open() as reader:
            reader.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()

    async def go() -> None:
        async with connect(server) as connection:
            process = await connection.create_process(RUN)
            await process.stdout.readline()
            connection.abort()

    asyncio.run(go())
    assert ended.wait(10)


def test_a_stopped_server_drops_its_connections_and_listens_again_after_a_start(farm: Farm) -> None:
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


@pytest.mark.parametrize(
    "written",
    ["C:/ProgramData/ExchangeCas/a.ps1", "/C:/ProgramData/ExchangeCas/a.ps1", "c:\\programdata\\ExchangeCas\\a.ps1"],
)
def test_files_are_found_under_every_spelling_of_their_path(farm: Farm, written: str) -> None:
    server = farm.server()

    async def steps(sftp: asyncssh.SFTPClient) -> str:
        await sftp.makedirs("C:/ProgramData/ExchangeCas")
        async with sftp.open(written, "w") as file:
            await file.write("text")
        async with sftp.open("c:/PROGRAMDATA/exchangecas/A.PS1") as file:
            return str(await file.read())

    assert with_sftp(server, steps) == "text"
    assert (server.drive.root / "C/ProgramData/ExchangeCas/a.ps1").read_text() == "text"
    assert server.ssh.connections[0].files[0] == written


def test_parents_are_probed_up_to_the_drive_which_is_a_folder(farm: Farm) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> list[bool]:
        return [await sftp.isdir(path) for path in ("C:", "C:/ProgramData/none", "D:", "C:/")]

    assert with_sftp(farm.server(), steps) == [True, False, False, True]


def test_paths_are_reported_with_their_drive(farm: Farm) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> list[str]:
        return [str(await sftp.realpath(path)) for path in ("C:/ProgramData", ".", "C:/ProgramData/../x")]

    assert with_sftp(farm.server(), steps) == ["/C:/ProgramData", "/C:/Users/exchange-operator", "/C:/x"]


@pytest.mark.parametrize("path", ["C:/../../../etc/passwd", "../../../../../../etc/passwd", "/etc/passwd"])
def test_no_path_leads_out_of_the_drive(farm: Farm, path: str) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> bool:
        return bool(await sftp.exists(path))

    assert Path("/etc/passwd").exists()
    assert not with_sftp(farm.server(), steps)


def test_names_that_windows_forbids_are_refused(farm: Farm) -> None:
    async def steps(sftp: asyncssh.SFTPClient) -> None:
        await sftp.makedirs('C:/what?"')

    with pytest.raises(asyncssh.SFTPNoSuchFile):
        with_sftp(farm.server(), steps)


def test_twenty_servers_need_no_thread_of_their_own(farm: Farm) -> None:
    before = threading.active_count()
    servers = [farm.server(f"ex{n:02}", address=f"127.40.0.{n}") for n in range(1, 21)]
    assert threading.active_count() == before
    attempt(servers[10])
