"""The Python that the engine tier keeps warm runs programs as a new Python does."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.warm_python import AVAILABLE, WarmPython

pytestmark = [pytest.mark.engine, pytest.mark.skipif(not AVAILABLE, reason="Linux alone keeps Python warm")]
PROGRAMS = {
    "ends well": "import os, sys\nprint(sys.argv[1:], sys.stdin.read(), os.getcwd(), os.environ.get('OWN'))",
    "ends with an exit code": "import sys\nprint('no', file=sys.stderr)\nsys.exit(42)",
    "ends with a sentence": "raise SystemExit('It does not go on.')",
    "imports what lies beside it": "import json, beside\nprint(beside.WHAT, json.dumps(beside.__name__))",
}


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with WarmPython(tmp_path_factory.mktemp("warm")) as running:
        yield running.launcher


def run(python: str | Path, folder: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, output and error of `python WORDS`."""
    done = subprocess.run(
        [python, *words],
        input="the input",
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "OWN": "own", "PYTHONPATH": str(folder)},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
def test_a_warm_python_gives_the_exit_code_output_and_error_of_a_new_one(warm: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    (tmp_path / "beside.py").write_text("WHAT = 'found'", encoding="utf-8")
    for words in (["-u", "program.py", "one", "two"], ["-m", "program", "one"], ["-P", "-m", "program"]):
        assert run(warm, tmp_path, *words) == run(sys.executable, tmp_path, *words)


def test_a_program_that_throws_ends_with_1_and_names_its_error(warm: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("1 / 0", encoding="utf-8")
    code, output, error = run(warm, tmp_path, "program.py")
    assert (code, output, error.splitlines()[-1]) == (1, "", "ZeroDivisionError: division by zero")


def test_only_third_party_packages_are_imported_before_a_program_starts(warm: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import json, sys\nprint(json.dumps([name.partition('.')[0] for name in sys.modules]))", encoding="utf-8"
    )
    imported = set(json.loads(run(warm, tmp_path, "program.py")[1]))
    assert {"pulumi", "pulumi_azure_native", "asyncssh"} <= imported
    assert not {"components", "connections", "stacks", "operations", "rehearsal", "restoration"} & imported


def test_a_signal_reaches_the_program_and_a_killed_starter_ends_it(warm: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import os, signal, sys, threading\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print(os.getpid(), flush=True)\n"
        "threading.Event().wait()",
        encoding="utf-8",
    )
    for asked, code in ((signal.SIGTERM, 7), (signal.SIGKILL, -signal.SIGKILL)):
        with subprocess.Popen([warm, "program.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as starter:
            assert starter.stdout
            program = os.pidfd_open(int(starter.stdout.readline()))
            starter.send_signal(asked)
        assert starter.returncode == code
        assert select.select([program], [], [], 60)[0], "the program goes on"
        os.close(program)
