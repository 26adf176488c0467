"""The stand-in of the command provider, for commands on this computer."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as pb

from tests.unit.command_calls import Engine, error
from tests.unit.provider_client import Properties, ProviderClient, secret, struct

pytestmark = pytest.mark.unit

LOCAL = "command:local:Command"


def test_a_command_with_only_a_delete_text_runs_at_its_deletion_with_the_input_of_the_state(
    client: ProviderClient, program: Path
) -> None:
    inputs = client.check(LOCAL, "c", {"delete": "cat > gone", "stdin": secret("old"), "logging": "stderr"})
    state = client.create(LOCAL, "c", inputs)["properties"]
    assert state["stdin"] == secret("old")
    changed = {**inputs, "stdin": secret("new")}
    state = client.update(LOCAL, "c", state, inputs, changed)
    assert list(program.iterdir()) == [], "creating and changing it runs nothing"
    client.delete(LOCAL, "c", state, "leave")
    assert (program / "gone").read_text() == "new"


def test_a_failure_is_reported_with_the_command_and_its_whole_output(client: ProviderClient) -> None:
    inputs = client.check(LOCAL, "c", {"create": "echo a; echo b >&2; exit 3"})
    client.create(LOCAL, "c", inputs)
    assert error(client) == 'exit status 3: running "echo a; echo b >&2; exit 3":\na\nb\n'


def test_an_output_loses_one_newline_and_a_command_gets_the_providers_environment_and_its_own(
    client: ProviderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEN", "outside")
    inputs = client.check(LOCAL, "c", {"create": 'echo "$SEEN $OWN"; echo', "environment": {"OWN": "inside"}})
    assert client.create(LOCAL, "c", inputs)["properties"]["stdout"] == "outside inside\n"


def test_another_interpreter_and_folder_are_used_and_must_exist(client: ProviderClient, program: Path) -> None:
    (program / "sub").mkdir()
    news = {"create": "import os; print(os.getcwd())", "interpreter": ["python3", "-c"], "dir": str(program / "sub")}
    made = client.create(LOCAL, "c", client.check(LOCAL, "c", news))
    assert made["properties"]["stdout"] == str((program / "sub").resolve())
    for wrong, reason in {
        ("interpreter", "/nowhere/x"): "fork/exec /nowhere/x: no such file or directory",
        ("interpreter", "no-such-shell"): 'exec: "no-such-shell": executable file not found in $PATH',
        ("dir", "/nowhere"): "chdir /nowhere: no such file or directory",
    }.items():
        name, value = wrong
        changed = {**news, name: [value] if name == "interpreter" else value}
        client.create(LOCAL, "c", client.check(LOCAL, "c", changed))
        assert error(client).startswith(f"{reason}: running ")


def test_a_local_command_refuses_a_connection(client: ProviderClient) -> None:
    client.check(LOCAL, "c", {"connection": {"host": "h"}})
    (failure,) = client.lines[-1]["answer"]["failures"]
    assert failure["reason"] == "Unrecognized field 'connection' on 'local.CommandInputs'"


def test_a_preview_runs_nothing(client: ProviderClient, program: Path) -> None:
    inputs = client.check(LOCAL, "c", {"create": "touch ran"})
    client.create(LOCAL, "c", inputs, preview=True)
    assert list(program.iterdir()) == []


@pytest.fixture
def door(program: Path) -> Iterator[Callable[[], IO[bytes]]]:
    """Opens `door`, a named pipe in the program's folder, for writing, which waits until a command reads from it."""
    os.mkfifo(program / "door")
    with ThreadPoolExecutor(1) as pool:
        opened: list[IO[bytes]] = []

        def open_door() -> IO[bytes]:
            opened.append(pool.submit((program / "door").open, "wb", 0).result(30))
            return opened[-1]

        yield open_door
        for end in opened:
            end.close()


# The child keeps the shell's output open until the test writes to the door, and the shell waits for the child.
HELD = "sh -c 'read -r _ < door; echo child > left'; echo never"


@contextmanager
def killed(pid: int) -> Iterator[None]:
    """Waits at its end until the process has ended. The provider reads its exit code, so this must not."""
    process = os.pidfd_open(pid)
    try:
        yield
        assert select.select([process], [], [], 30)[0], "the process goes on"
    finally:
        os.close(process)


def test_a_cancel_kills_the_shell_but_not_its_children(
    client: ProviderClient, program: Path, door: Callable[[], IO[bytes]]
) -> None:
    client.stub.Attach(plugin.PluginAttach(address="127.0.0.1:1"))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.delete, LOCAL, "c", {"delete": HELD, "logging": "none"}, "leave")
        child = door()
        [shell] = (one for one in psutil.Process().children(recursive=True) if one.cmdline()[-1:] == [HELD])
        with killed(shell.pid):
            client.stub.Cancel(Empty())
        assert not running.done(), "the child keeps the output open"
        child.write(b"go on\n")
        running.result(30)
    # The deletion failed, so the engine keeps the resource in its state.
    assert error(client) == f'signal: killed: running "{HELD}":\n'
    assert (program / "left").read_text() == "child\n"


def test_the_timeout_of_a_resource_ends_a_command(client: ProviderClient) -> None:
    request = pb.DeleteRequest(id="c", urn=f"urn:pulumi:s::p::{LOCAL}::c", timeout=0.2)
    request.properties.update({"delete": "exec sleep 600"})
    client.call("Delete", request)
    assert error(client) == 'signal: killed: running "exec sleep 600":\n'


@pytest.mark.parametrize(
    ("number", "ended"),
    [
        (signal.SIGTERM, "signal: terminated"),
        (signal.SIGSEGV, "signal: segmentation fault"),
        (signal.SIGUSR1, "signal: user defined signal 1"),
    ],
)
def test_a_signal_is_reported_in_the_words_of_go(client: ProviderClient, number: int, ended: str) -> None:
    client.create(LOCAL, "c", client.check(LOCAL, "c", {"create": f"ulimit -c 0; kill -{number} $$"}))
    assert error(client).startswith(f"{ended}: running ")


def test_a_failure_reports_output_and_error_output_in_their_order(
    client: ProviderClient, attached_engine: tuple[Engine, str], door: Callable[[], IO[bytes]]
) -> None:
    engine_log, address = attached_engine
    client.stub.Attach(plugin.PluginAttach(address=address))
    inputs = client.check(LOCAL, "c", {"create": "echo a; cat door; echo b >&2; cat door; echo c; exit 1"})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.create, LOCAL, "c", inputs)
        for line in ("a", "b"):
            engine_log.wait_for(line)
            door().close()
        running.result(30)
    assert error(client).endswith(":\na\nb\nc\n")


def test_a_logged_line_of_64_kib_hangs(client: ProviderClient) -> None:
    long = "head -c 65536 /dev/zero | tr '\\0' x"
    client.create(LOCAL, "c", client.check(LOCAL, "c", {"create": long, "logging": "stderr"}))
    assert len(client.lines[-1]["answer"]["properties"]["stdout"]) == 65536
    inputs = client.check(LOCAL, "c", {"create": f"({long}) >&2", "logging": "stderr"})
    client.create(LOCAL, "c", inputs, step="long", deadline=1)
    assert client.lines[-1]["error"]["code"] == "DEADLINE_EXCEEDED"


def test_output_that_is_not_utf_8_fails_a_successful_command(client: ProviderClient) -> None:
    client.create(LOCAL, "c", client.check(LOCAL, "c", {"create": "printf '\\201'"}))
    assert client.lines[-1]["error"]["code"] == "INTERNAL"
    assert "string field contains invalid UTF-8" in error(client)


def test_input_that_is_not_read_fails_nothing_here(client: ProviderClient) -> None:
    client.create(LOCAL, "c", client.check(LOCAL, "c", {"create": "echo hi", "stdin": "x" * 1_000_000}))
    assert client.lines[-1]["answer"]["properties"]["stdout"] == "hi"


def invoke(client: ProviderClient, token: str, **arguments: object) -> Properties:
    return client.call("Invoke", pb.InvokeRequest(tok=token, args=struct(arguments)))


def test_the_function_run_runs_a_command(client: ProviderClient) -> None:
    ran = invoke(client, "command:local:run", command="cat", stdin="given")["answer"]["return"]
    assert ran["stdout"] == "given"
    assert ran["command"] == "cat"
    (failure,) = invoke(client, "command:local:run", colour="red")["answer"]["failures"][:1]
    assert failure["reason"] == "Missing required field 'command' on 'local.RunInputs'"
    assert invoke(client, "command:local:other")["error"]["code"] == "NOT_FOUND"
