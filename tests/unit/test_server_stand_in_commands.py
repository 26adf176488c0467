"""Commands and scripts that a server stand-in runs over SSH."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from tests.unit.provider_client import COMMAND, ProviderClient, secret
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, USER, Farm
from tests.unit.ssh_client import RUN, SCRIPT, connect, put_script, run

pytestmark = pytest.mark.unit


def test_a_script_reads_its_input_and_its_output_has_windows_line_ends(farm: Farm) -> None:
    server = farm.server()
    put_script(
        server,
        "import sys; text = sys.stdin.read(); print(text.upper()); print('to people', file=sys.stderr); sys.exit(3)",
    )
    result = run(server, RUN, stdin="one\ntwo")
    assert (result.stdout, result.stderr, result.exit_status) == ("ONE\r\nTWO\r\n", "to people\r\n", 3)


def test_a_script_that_ignores_a_large_input_still_succeeds(farm: Farm) -> None:
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
def test_the_command_provider_fails_a_script_that_succeeds_without_reading_its_input(
    farm: Farm, client: ProviderClient, script: str, outcome: str
) -> None:
    server = farm.server()
    put_script(server, script)
    there = {"host": "127.40.0.11", "port": server.ssh.port, "user": USER, "password": PASSWORD}
    inputs = client.check(COMMAND, "r", {"connection": secret(there), "create": RUN, "stdin": "given"})
    client.create(COMMAND, "r", inputs)
    ended = client.lines[-1]
    assert outcome == (ended["error"]["details"] if "error" in ended else ended["answer"]["properties"]["stdout"])


def test_output_of_a_million_letters_arrives_complete(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "print('x' * 1_000_000)")
    assert run(server, RUN).stdout == "x" * 1_000_000 + "\r\n"


def test_a_script_sees_its_server_and_the_names_it_can_resolve(farm: Farm) -> None:
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


def test_a_quoted_argument_with_spaces_is_one_argument(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "import sys; print(sys.argv[1:])", "C:/Program Files/Example.ps1")
    result = run(server, 'powershell.exe -NoProfile -File "C:\\Program Files\\example.PS1" -Name "two words"')
    assert result.stdout == "['-Name', 'two words']\r\n"


def test_a_script_is_found_by_a_path_with_backslashes(farm: Farm) -> None:
    server = farm.server()
    put_script(server, "print('ran')")
    assert run(server, RUN.replace("/", "\\")).stdout == "ran\r\n"


@pytest.mark.parametrize("path", [SCRIPT, "D:/Example.ps1", "C:/ProgramData"])
def test_a_missing_script_is_reported_and_the_exit_code_is_not_0(farm: Farm, path: str) -> None:
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
def test_a_line_that_cmd_would_interpret_is_refused(farm: Farm, command: str) -> None:
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


def test_a_script_is_killed_when_its_connection_is_lost(farm: Farm, tmp_path: Path) -> None:
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
