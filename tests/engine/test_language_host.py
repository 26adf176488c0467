"""The stand-in of the Python language host under the real engine, with a program in another folder than its project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rehearsal import tools
from rehearsal.stand_ins.language_host import write_launcher

pytestmark = pytest.mark.engine

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def program(folder: Path) -> Iterator[Path]:
    """The program's folder, empty."""
    made = folder / "program"
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("host")


@pytest.fixture(scope="module")
def pulumi(folder: Path, found: tools.Tools) -> Run:
    """`pulumi("up", "--yes")` runs the engine on the project of `program`, with the stand-in as its only host."""
    project, home, state = (folder / name for name in ("project", "home", "state"))
    for made in (project, home, state):
        made.mkdir()
    program = folder / "program"
    (project / "Pulumi.yaml").write_text(
        json.dumps({"name": "p", "main": str(program), "runtime": {"name": "python", "options": {"toolchain": "pip"}}})
    )
    launcher = write_launcher(folder / "bin", Path(sys.executable))
    environment = {
        "PATH": os.pathsep.join([str(launcher.parent), "/usr/bin", "/bin"]),
        "HOME": str(home),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "words",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [found.engine, *args, "--non-interactive", "--color", "never"],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("stack", "init", "dev").returncode == 0
    return run


def outputs(pulumi: Run) -> dict[str, object]:
    outputs: dict[str, object] = json.loads(pulumi("stack", "output", "--json", "--show-secrets").stdout)
    return outputs


def test_a_program_finds_its_folder_its_modules_and_its_configuration(pulumi: Run, program: Path) -> None:
    (program / "helper.py").write_text("NAME = __name__\n")
    (program / "__main__.py").write_text(
        "import importlib.util, os, sys, pulumi, helper\n"
        "config = pulumi.Config()\n"
        "pulumi.export('folder', os.getcwd())\n"
        "pulumi.export('first', os.path.abspath(sys.path[0]))\n"
        "pulumi.export('ours', [name for name in ('rehearsal', 'tls') if importlib.util.find_spec(name)])\n"
        "pulumi.export('helper', helper.NAME)\n"
        "pulumi.export('names', [pulumi.get_project(), pulumi.get_stack(), pulumi.get_root_directory()])\n"
        "pulumi.export('plain', config.require_int('number'))\n"
        "known = pulumi.runtime.config.is_config_secret\n"
        "pulumi.export('secrets', [known('p:word'), known('p:number')])\n"
        "pulumi.export('hidden', config.require_secret('word'))\n"
    )
    assert pulumi("config", "set", "number", "5").returncode == 0
    assert pulumi("config", "set", "--secret", "word", "swordfish").returncode == 0
    preview = pulumi("preview")
    assert "swordfish" not in preview.stdout
    assert pulumi("up", "--yes").returncode == 0, preview.stderr
    assert outputs(pulumi) == {
        "folder": str(program),
        "first": str(program),
        "ours": [],
        "helper": "helper",
        "names": ["p", "dev", str(program.parent / "project")],
        "plain": 5,
        "secrets": [True, False],
        "hidden": "swordfish",
    }
    assert pulumi("destroy", "--yes").returncode == 0


EXITED = "an unhandled error occurred: program exited with non-zero exit code:"


@pytest.mark.parametrize(
    ("text", "message", "added"),
    [
        (r"raise pulumi.RunError('mistakes:\n  - one\n  - two')", "error: mistakes:\n      - one\n", f"{EXITED} 1"),
        ("raise ValueError('oops')", "in <module>\n        raise ValueError('oops')\n    ValueError: oops", ""),
        ("pulumi.Output.from_input(0).apply(lambda none: 1 / none)", "ZeroDivisionError: division by zero", ""),
        ("import missing_module", "ModuleNotFoundError: No module named 'missing_module'", ""),
        ("import sys; sys.exit(3)", "", f"{EXITED} 3"),
        ("import sys; sys.exit('too early')", "too early", f"{EXITED} 1"),
        ("import sys; pulumi.log.error('a reason'); sys.exit(32)", "error: a reason", ""),
        ("import asyncio; raise asyncio.CancelledError", "asyncio.exceptions.CancelledError", f"{EXITED} 1"),
        ("import os; os._exit(5)", "", f"{EXITED} 5"),
        ("import os; os.kill(os.getpid(), 9)", "", f"{EXITED} -1"),
    ],
)
def test_a_failed_program_is_reported_as_by_the_real_host(
    pulumi: Run, program: Path, text: str, message: str, added: str
) -> None:
    """The program's error, and what the real host of 3.259 has the engine add to it."""
    (program / "__main__.py").write_text(f"import pulumi\n{text}\n")
    preview = pulumi("preview")
    assert preview.returncode != 0
    diagnostics = preview.stdout.partition("Diagnostics:")[2] + preview.stderr
    assert message in diagnostics
    assert diagnostics.count("error: ") == sum(map(bool, ("error: " in message or "Error: " in message, added)))
    assert f"error: {added}" in diagnostics
    assert "rpc error" not in diagnostics


def test_a_program_may_exit_with_success(pulumi: Run, program: Path) -> None:
    (program / "__main__.py").write_text("import sys\nsys.exit()\n")
    preview = pulumi("preview")
    assert (preview.returncode, "error" in preview.stdout) == (0, False), preview.stdout


def test_a_folder_without_a_program_is_named(pulumi: Run, program: Path) -> None:
    preview = pulumi("preview")
    assert f"unable to find main python program `__main__.py` in `{program}`" in preview.stdout
    assert EXITED not in preview.stdout


def test_the_engine_gets_the_providers_that_the_installed_sdks_require(pulumi: Run, program: Path) -> None:
    (program / "__main__.py").touch()
    listed = json.loads(pulumi("about", "--json").stdout)["plugins"]
    assert {"name": "command", "version": "1.2.1"}.items() <= {row["name"]: row for row in listed}["command"].items()
