"""How the lab commands run `pulumi up` and `pulumi destroy`, with a shell script in the place of `pulumi`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.labs.locks import StackLockedError, run_update
from operations.stack import StackError
from rehearsal.tools import REPOSITORY

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
