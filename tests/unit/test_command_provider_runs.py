"""The command provider's stand-in where a command runs on a server: its input, its output, its end."""

from __future__ import annotations

import pytest

from tests.unit.command_calls import Serve, connection, create, error
from tests.unit.provider_client import COMMAND, ProviderClient, secret

pytestmark = pytest.mark.unit

NO_TEXT = {"code": "INTERNAL", "details": "grpc: error while marshaling: string field contains invalid UTF-8"}


@pytest.mark.parametrize("stdin", ["x", "x" * 3_000_000], ids=["short", "longer than the window"])
def test_a_successful_command_that_did_not_read_its_input_fails(
    client: ProviderClient, serve: Serve, stdin: str
) -> None:
    server = serve()
    create(client, connection=connection(server), create="hasty echo hi", stdin=stdin)
    assert error(client) == 'EOF: running "hasty echo hi":\nhi\n'
    create(client, connection=connection(server), create="echo hi", stdin=stdin)
    assert client.lines[-1]["answer"]["properties"]["stdout"] == "hi"
    create(client, connection=connection(server), create="hasty echo hi")
    assert client.lines[-1]["answer"]["properties"]["stdout"] == "hi", "without an input there is nothing to read"


def test_a_failure_reports_its_exit_status_whether_the_input_was_read_or_not(
    client: ProviderClient, serve: Serve
) -> None:
    create(client, connection=connection(serve()), create="hasty fail 3 no", stdin="x")
    assert error(client) == 'Process exited with status 3: running "hasty fail 3 no":\nno\n'


def test_output_that_is_not_utf_8_fails_a_successful_run(client: ProviderClient, serve: Serve) -> None:
    server = serve()
    # Müller in the code page that a German Windows console has
    create(client, connection=connection(server), create="bytes 4d816c6c6572")
    assert client.lines[-1]["error"] == NO_TEXT
    news = {"connection": secret(connection(server)), "create": "echo hi", "delete": "bytes 4d816c6c6572"}
    inputs = client.check(COMMAND, "r", news)
    state = client.create(COMMAND, "r", inputs)["properties"]
    client.delete(COMMAND, "r", state, "the outputs of a delete text go nowhere")
    assert client.lines[-1]["answer"] == {}
    client.update(COMMAND, "r", state, inputs, {**inputs, "update": "bytes ff"})
    assert client.lines[-1]["error"] == NO_TEXT


@pytest.mark.parametrize(
    ("command", "ended"),
    [
        ("signal TERM", "Process exited with status 143 from signal TERM"),
        ("signal KILL out of memory", "Process exited with status 137 from signal KILL. Reason was: out of memory"),
        ("signal USR1", "Process exited with status 128 from signal USR1"),
    ],
)
def test_a_signal_is_reported_as_go_does(client: ProviderClient, serve: Serve, command: str, ended: str) -> None:
    create(client, connection=connection(serve()), create=command)
    assert error(client) == f'{ended}: running "{command}":\n'


def test_the_text_of_a_failed_command_is_quoted_as_go_does(client: ProviderClient, serve: Serve) -> None:
    create(client, connection=connection(serve()), create='fail 1 a\t"b"\\\n\x07\x1b\x7f\xa0ü\u2028\U000e0001')
    text = r"fail 1 a\t\"b\"\\\n\a\x1b\x7f\u00a0ü\u2028\U000e0001"
    assert error(client).startswith(f'Process exited with status 1: running "{text}":')


@pytest.mark.parametrize(("letters", "hangs"), [(65535, False), (65536, True)])
def test_a_logged_line_of_64_kib_never_ends(client: ProviderClient, serve: Serve, letters: int, hangs: bool) -> None:
    inputs = client.check(COMMAND, "r", {"connection": secret(connection(serve())), "create": f"long {letters}"})
    client.create(COMMAND, "r", inputs, step="long", deadline=1 if hangs else 60)
    assert ("error" in client.lines[-1]) == hangs
    assert client.lines[-1].get("error", {}).get("code") == ("DEADLINE_EXCEEDED" if hangs else None)
