"""What the stand-in of the command provider does beyond the record of the published one."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2 as engine
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.stand_ins.command import CommandProvider
from tests.unit.command_calls import Engine, Serve, connection, create, error, listen_silently
from tests.unit.provider_client import (
    COMMAND,
    COPY,
    UNKNOWN,
    Properties,
    ProviderClient,
    file_asset,
    folder_archive,
    secret,
    text_asset,
)
from tests.unit.scripted_ssh_server import PASSWORD

pytestmark = pytest.mark.unit


def test_a_keyboard_interactive_question_is_answered_with_the_password(client: ProviderClient, serve: Serve) -> None:
    server = serve(questions=("Name of your first password?", "And again?"))
    create(client, connection=connection(server), create="echo hi")
    assert client.lines[-1]["answer"]["properties"]["stdout"] == "hi"
    assert server.log == ["connect", "answers accepted", "exec echo hi"]


def test_a_key_is_tried_before_the_password(client: ProviderClient, serve: Serve) -> None:
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    server = serve(authorized=key.convert_to_public())
    text = key.export_private_key("pkcs1-pem", "phrase").decode()
    known = connection(server, privateKey=text, privateKeyPassword="phrase")
    create(client, connection=known, create="echo hi")
    assert server.log == ["connect", "key accepted", "key accepted", "exec echo hi"]


def test_after_a_refused_key_the_password_is_tried(client: ProviderClient, serve: Serve) -> None:
    server = serve(authorized=asyncssh.generate_private_key("ssh-ed25519").convert_to_public())
    text = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    create(client, connection=connection(server, privateKey=text), create="echo hi")
    assert server.log == ["connect", "key refused", "password accepted", "exec echo hi"]


def test_a_missing_agent_fails_before_the_first_dial(
    client: ProviderClient, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    create(client, connection=connection(server), create="echo hi")
    assert error(client) == f"dial unix {tmp_path}/agent: connect: no such file or directory"
    assert server.log == []


def test_a_client_requests_only_the_pinned_keys_type(client: ProviderClient, serve: Serve) -> None:
    server = serve()
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    create(client, connection=connection(server, hostKey=other), create="echo hi")
    # Both sides give up when they find no common type; which of them is heard of first is not settled.
    assert error(client).startswith("after 0 failed attempts: ssh: handshake failed: ")
    assert "mismatch" not in error(client)
    assert server.log == ["connect"]


def test_a_connection_logs_on_to_the_proxy_first_which_forwards_to_the_server(
    client: ProviderClient, serve: Serve
) -> None:
    jump, server = serve(), serve()
    create(client, connection=connection(server, proxy=connection(jump)), create="echo hi")
    assert jump.log == ["connect", "password accepted", "forward 127.0.0.1"]
    assert server.log == ["connect", "password accepted", "exec echo hi"]


def test_a_failure_at_the_proxy_names_the_proxy(client: ProviderClient, serve: Serve) -> None:
    jump, server = serve(), serve()
    create(client, connection=connection(server, proxy=connection(jump, password="wrong")), create="echo hi")  # noqa: S106
    assert error(client).startswith(
        "proxy: after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate"
    )
    assert server.log == []


def test_a_relative_path_starts_in_the_working_directory_of_the_program(
    client: ProviderClient, serve: Serve, program: Path
) -> None:
    (program / "scripts").mkdir()
    (program / "scripts" / "a.ps1").write_text("a\n")
    server = serve()
    create(client, COPY, connection=connection(server), source=folder_archive("scripts/"), remotePath="C:/New/Far/Away")
    assert (server.root / "C:/New/Far/Away/a.ps1").read_text() == "a\n"


def test_a_file_is_copied_into_an_existing_folder_and_a_text_is_refused(
    client: ProviderClient, serve: Serve, program: Path
) -> None:
    (program / "a.ps1").write_text("a\n")
    server = serve()
    (server.root / "C:" / "There").mkdir(parents=True)
    create(client, COPY, connection=connection(server), source=file_asset("a.ps1"), remotePath="C:/There")
    assert (server.root / "C:/There/a.ps1").read_text() == "a\n"
    create(client, COPY, connection=connection(server), source=text_asset("t", digest="0"), remotePath="C:/There")
    assert error(client) == (
        "remote path C:/There is a directory; when using a text asset, remotePath must be a file path"
    )


def test_a_missing_source_fails_with_the_systems_message(client: ProviderClient, serve: Serve, program: Path) -> None:
    create(client, COPY, connection=connection(serve()), source=file_asset("none"), remotePath="C:/a")
    assert error(client) == f"open {program}/none: no such file or directory"


def test_an_update_in_preview_has_an_unknown_source_and_makes_no_connection(
    client: ProviderClient, serve: Serve
) -> None:
    server = serve()
    old = {"connection": secret(connection(server)), "source": text_asset("a", digest="0"), "remotePath": "C:/a"}
    state = client.update(COPY, "k", old, old, {**old, "remotePath": "C:/b"}, preview=True)
    assert state["source"] == UNKNOWN
    assert server.log == []


@pytest.mark.parametrize(
    ("old", "new", "path", "kind"),
    [
        ({"environment": {"A": "1"}}, {"environment": {"A": "2"}}, "environment.A", "UPDATE"),
        ({"environment": {"A.B": "1"}}, {"environment": {"A.B": "2"}}, 'environment["A.B"]', "UPDATE"),
        ({"triggers": ["a"]}, {"triggers": ["b"]}, "triggers[0]", "UPDATE"),
        ({"triggers": ["a"]}, {}, "triggers", "DELETE_REPLACE"),
        ({"stdin": "a"}, {"stdin": secret("a")}, "stdin", "UPDATE"),
    ],
)
def test_a_difference_has_its_path_and_kind(
    client: ProviderClient, old: Properties, new: Properties, path: str, kind: str
) -> None:
    line = client.diff(COMMAND, "r", {}, old, new, "")
    assert line["answer"]["detailedDiff"] == {path: {"kind": kind}}
    assert line["answer"].get("replaces", []) == ([path] if kind.endswith("REPLACE") else [])
    assert line["answer"]["diffs"] == list(new or old), "the property, without the path in it"


def test_other_resources_are_refused(client: ProviderClient) -> None:
    client.create("command:remote:CopyFile", "r", {"localPath": "a"})
    assert client.lines[-1]["error"]["code"] == "NOT_FOUND"


def test_each_line_of_output_is_shown_during_the_operation_only(
    client: ProviderClient, serve: Serve, attached_engine: tuple[Engine, str]
) -> None:
    engine_log, address = attached_engine
    client.stub.Attach(plugin.PluginAttach(address=address))
    create(client, connection=connection(serve()), create="cat", stdin="one\r\ntwo\nthree")
    assert [(line.message, line.ephemeral, line.urn.endswith("::r")) for line in engine_log.lines] == [
        ("one", True, True),
        ("two", True, True),
        ("three", True, True),
    ]


def test_the_warning_about_a_refused_previous_output_does_not_contain_it(
    client: ProviderClient, serve: Serve, attached_engine: tuple[Engine, str]
) -> None:
    engine_log, address = attached_engine
    client.stub.Attach(plugin.PluginAttach(address=address))
    news = {"connection": secret(connection(serve())), "create": "echo hi", "logging": "none"}
    inputs = client.check(COMMAND, "r", news)
    client.update(COMMAND, "r", {**inputs, "stdout": "earlier words"}, inputs, {**inputs, "stdin": "x"})
    assert [line.severity for line in engine_log.lines] == [engine.WARNING]
    assert engine_log.lines[0].message.startswith("Unable to set 'PULUMI_COMMAND_STDOUT'.")
    assert "earlier words" not in engine_log.lines[0].message


def test_no_message_contains_a_secret(
    client: ProviderClient, serve: Serve, attached_engine: tuple[Engine, str]
) -> None:
    engine_log, address = attached_engine
    client.stub.Attach(plugin.PluginAttach(address=address))
    server = serve()
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    hidden = {"password": "not-the-right-one", "privateKey": key, "dialErrorLimit": 2}
    create(client, connection=connection(server, **hidden), create="echo hi")
    create(client, connection=connection(server), create="echo hi", stdin="swordfish", environment={"A": "swordfish"})
    create(client, connection=connection(server), create="fail 1 no", stdin="swordfish")
    failures = json.dumps([line["error"] for line in client.lines if "error" in line])
    assert failures.count("details") == 3
    for secrets in ("not-the-right-one", key.splitlines()[1], PASSWORD, "swordfish"):
        assert secrets not in failures
        assert all(secrets not in line.message for line in engine_log.lines)
    assert [line.message for line in engine_log.lines][:2] == ["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]


def test_a_cancel_ends_the_wait_between_two_dials(
    client: ProviderClient, serve: Serve, attached_engine: tuple[Engine, str]
) -> None:
    engine_log, address = attached_engine
    client.stub.Attach(plugin.PluginAttach(address=address))
    inputs = {"connection": secret(connection(serve(), password="wrong", dialErrorLimit=-1)), "create": "echo"}  # noqa: S106
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.create, COMMAND, "r", client.check(COMMAND, "r", inputs))
        assert engine_log.has_lines.wait(10)
        client.stub.Cancel(Empty())
        running.result(10)
    assert client.lines[-1]["error"] == {"code": "CANCELLED", "details": "context canceled"}


def test_the_timeout_of_a_resource_ends_the_dials(client: ProviderClient, serve: Serve) -> None:
    inputs = {"connection": secret(connection(serve(), password="wrong", dialErrorLimit=-1)), "create": "echo"}  # noqa: S106
    request = pb.CreateRequest(urn="urn:pulumi:s::p::command:remote:Command::r", timeout=0.3)
    request.properties.update(client.check(COMMAND, "r", inputs))
    assert client.call("Create", request)["error"] == {
        "code": "DEADLINE_EXCEEDED",
        "details": "context deadline exceeded",
    }


def test_a_hanging_operation_delays_neither_others_nor_the_stop(serve: Serve) -> None:
    server = serve()
    with listen_silently() as port, ThreadPoolExecutor(1) as pool:
        provider = CommandProvider()
        provider.start()
        with contextlib.closing(ProviderClient(provider.port, [])) as client:
            inputs = {"connection": secret(connection(server, port=port)), "create": "echo"}
            hanging = pool.submit(client.create, COMMAND, "r", client.check(COMMAND, "r", inputs))
            assert create(client, connection=connection(server), create="echo hi")["properties"]["stdout"] == "hi"
            assert not hanging.done()
            provider.stop()
            hanging.result(30)


def test_a_command_leaves_its_connection_open_and_a_copy_closes_it(serve: Serve) -> None:
    server = serve()
    with CommandProvider() as provider, contextlib.closing(ProviderClient(provider.port, [])) as client:
        create(client, connection=connection(server), create="echo hi")
        create(client, COPY, connection=connection(server), source=text_asset("t", digest="0"), remotePath="C:/a")
        assert server.log.count("connect") == 2
        assert server.left.acquire(timeout=10)
        assert len(server.connections) == 1
