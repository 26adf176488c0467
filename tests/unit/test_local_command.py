"""The command provider's stand-in where a command runs on this computer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.stand_ins.command import CommandProvider
from tests.unit.provider_client import ProviderClient, secret

pytestmark = pytest.mark.unit

LOCAL = "command:local:Command"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    return folder


@pytest.fixture
def client(program: Path) -> Iterator[ProviderClient]:
    with CommandProvider(program) as provider, contextlib.closing(ProviderClient(provider.port, [])) as connected:
        yield connected


def error(client: ProviderClient) -> str:
    details: str = client.lines[-1]["error"]["details"]
    return details


def test_a_delete_text_alone_runs_at_the_end_in_the_programs_folder_with_the_input_of_the_state(
    client: ProviderClient, program: Path
) -> None:
    inputs = client.check(LOCAL, "c", {"delete": "cat > gone", "stdin": secret("old"), "logging": "stderr"})
    state = client.create(LOCAL, "c", inputs)["properties"]
    assert state["stdin"] == secret("old")
    changed = {**inputs, "stdin": secret("new")}
    state = client.update(LOCAL, "c", state, inputs, changed)
    assert list(program.iterdir()) == [], "neither made nor changed runs anything"
    client.delete(LOCAL, "c", state, "leave")
    assert (program / "gone").read_text() == "new"


def test_a_command_that_fails_is_told_with_its_text_and_all_it_wrote(client: ProviderClient) -> None:
    inputs = client.check(LOCAL, "c", {"create": "echo a; echo b >&2; exit 3"})
    client.create(LOCAL, "c", inputs)
    assert error(client) == 'exit status 3: running "echo a; echo b >&2; exit 3":\na\nb\n'


def test_outputs_lose_one_newline_and_the_environment_is_the_providers_and_its_own(
    client: ProviderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEN", "outside")
    inputs = client.check(LOCAL, "c", {"create": 'echo "$SEEN $OWN"; echo', "environment": {"OWN": "inside"}})
    assert client.create(LOCAL, "c", inputs)["properties"]["stdout"] == "outside inside\n"


def test_another_interpreter_and_another_folder_are_used_and_must_exist(client: ProviderClient, program: Path) -> None:
    (program / "sub").mkdir()
    news = {"create": "import os; print(os.getcwd())", "interpreter": ["python3", "-c"], "dir": str(program / "sub")}
    made = client.create(LOCAL, "c", client.check(LOCAL, "c", news))
    assert made["properties"]["stdout"] == str((program / "sub").resolve())
    client.create(LOCAL, "c", client.check(LOCAL, "c", {**news, "interpreter": ["/nowhere/x"]}))
    assert error(client).startswith("fork/exec /nowhere/x: no such file")


def test_a_connection_is_no_input_of_a_local_command(client: ProviderClient) -> None:
    client.check(LOCAL, "c", {"connection": {"host": "h"}})
    (failure,) = client.lines[-1]["answer"]["failures"]
    assert failure["reason"] == "Unrecognized field 'connection' on 'local.CommandInputs'"


def test_a_preview_runs_nothing(client: ProviderClient, program: Path) -> None:
    inputs = client.check(LOCAL, "c", {"create": "touch ran"})
    client.create(LOCAL, "c", inputs, preview=True)
    assert list(program.iterdir()) == []
