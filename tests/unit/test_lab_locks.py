"""How the lab commands run `pulumi up` and `pulumi destroy`, with a shell script in the place of `pulumi`; and the
locks and files that a killed run leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operations.labs.locks import StackLockedError, find_running_holders, run_update
from operations.labs.project import remove_torn_attributes
from operations.stack import StackError
from rehearsal.tools import REPOSITORY
from tests.unit.labs import NOW

pytestmark = pytest.mark.unit

# Says when it waits for `pulumi`: an earlier Ctrl-C would end it before that.
INTERRUPTED = """
import os, subprocess
from pathlib import Path
from operations.labs.locks import run_update

wait = subprocess.Popen.communicate

def communicate(process):
    os.write(1, b"waiting\\n")  # in one piece: pulumi writes to the same pipe
    return wait(process)

subprocess.Popen.communicate = communicate
run_update("up", cwd=Path(), environment=os.environ)
"""
Write = Callable[[str], dict[str, str]]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`pulumi(script)`: the environment in which `pulumi` is this shell script."""

    def write(script: str) -> dict[str, str]:
        file = tmp_path / "pulumi"
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return dict(os.environ)

    return write


@pytest.mark.parametrize(
    "message",
    [
        "error: the stack is currently locked by 1 lock(s).",
        "error: [409] Conflict: Another update is currently in progress.",
        "error: unexpected end of JSON input",
    ],
)
def test_a_lock_is_an_error_of_its_own_with_pulumis_message(pulumi: Write, tmp_path: Path, message: str) -> None:
    environment = pulumi(f"echo '{message}' >&2; exit 255")
    with pytest.raises(StackLockedError) as caught:
        run_update("up", cwd=tmp_path, environment=environment)
    assert str(caught.value) == message


def test_another_failure_prints_pulumis_errors_and_names_the_command(
    pulumi: Write, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = pulumi('echo "progress of $*"; echo "error: no quota" >&2; exit 255')
    with pytest.raises(StackError, match=r"^pulumi destroy --stack lab-anna ended with 255\.$"):
        run_update("destroy", "--stack", "lab-anna", cwd=tmp_path, environment=environment)
    assert capfd.readouterr() == (
        "progress of destroy --stack lab-anna --non-interactive\n",
        "error: no quota\n",
    )


def test_a_warning_about_locks_is_no_failure(pulumi: Write, tmp_path: Path) -> None:
    run_update("up", cwd=tmp_path, environment=pulumi("echo 'warning: currently locked by' >&2"))


def test_ctrl_c_waits_until_pulumi_has_written_its_state(pulumi: Write, tmp_path: Path) -> None:
    environment = pulumi("trap 'sleep 0.5; echo > state; exit 255' INT\necho ready\nwhile :; do sleep 0.05; done")
    program = tmp_path / "interrupted.py"
    program.write_text(INTERRUPTED, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        try:
            assert {process.stdout.readline(), process.stdout.readline()} == {"ready\n", "waiting\n"}
            os.killpg(process.pid, signal.SIGINT)
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert (tmp_path / "state").exists()
        assert process.stderr
        assert "KeyboardInterrupt" in process.stderr.read()


def is_held(host: str, pid: int, since: datetime, now: datetime) -> bool:
    """Whether Pulumi's message about this lock names a run that may go on."""
    time = since.isoformat(timespec="seconds").replace("+00:00", "Z")
    message = (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete "
    )
    message += f"the lock file with `pulumi cancel`.\n  file:///x.json: created by root@{host} (pid {pid}) at {time}"
    running = find_running_holders(message, now)
    assert running in ([], [f"created by root@{host} (pid {pid}) at {time}"])
    return bool(running)


def test_the_lock_of_a_process_that_has_ended_is_abandoned(dead_process: int) -> None:
    here, now = socket.gethostname(), datetime.now(UTC)
    assert is_held(here, os.getpid(), now, now)
    assert not is_held(here, dead_process, now, now)
    assert not is_held(here, os.getpid(), now - timedelta(days=300), now), "another process has reused the number"


def test_the_lock_of_another_computer_is_abandoned_after_the_longest_run() -> None:
    assert is_held("elsewhere", 1, NOW - timedelta(hours=3), NOW)
    assert not is_held("elsewhere", 1, NOW - timedelta(hours=5), NOW)


def test_a_lock_without_a_holder_counts_as_held() -> None:
    message = "error: [409] Conflict: Another update is currently in progress."
    assert find_running_holders(message, NOW) == [message]


def test_a_half_written_attrs_file_is_removed_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks = tmp_path / "a b" / ".pulumi" / "stacks" / "exchange-cas"
    stacks.mkdir(parents=True)
    contents = {"lab-anna.json": "{}", "lab-anna.json.attrs": "", "prod.json.attrs": '{"md5": ""}', "prod.json": ""}
    for name, text in contents.items():
        (stacks / name).write_text(text, encoding="utf-8")
    remove_torn_attributes((tmp_path / "a b").as_uri().replace("file:", "azblob:"))
    assert {path.name for path in stacks.iterdir()} == contents.keys(), "backends in a cloud stay as they are"
    remove_torn_attributes((tmp_path / "a b").as_uri())
    assert {path.name for path in stacks.iterdir()} == contents.keys() - {"lab-anna.json.attrs"}
    message = "lab-anna.json.attrs was half written by a run that was killed: removed\n"
    assert capsys.readouterr() == ("", message), "standard output is for the list of expired labs"
