"""The commands `verify` and `drift` with a `pulumi` on the PATH: exit codes and output."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.__main__ import app
from rehearsal.stand_ins.dns import AzureDns
from rehearsal.tools import REPOSITORY
from tests.unit.deployment import SCRIPTS, Deployment
from tests.unit.servers import OWA, PASSWORD, Farm

pytestmark = pytest.mark.unit

# Prints what pulumi would, from the files beside it.
PULUMI = """\
#!{python}
import pathlib, sys
folder, words = pathlib.Path(__file__).parent, sys.argv[1:]
assert words[-1] == "--non-interactive" and sys.stdin.read() == ""
if words[:2] == ["stack", "--show-name"]:
    print("test")
    sys.exit()
if words[words.index("--stack") + 1] != "test":
    sys.exit("error: no stack of that name")
print((folder / ("outputs" if words[:2] == ["stack", "output"] else "config")).read_text())
"""


Ended = tuple[int, str, str]


class Shell:
    """A shell whose `pulumi` prints the outputs and the configuration of a deployment."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.folder = folder
        self._script = folder / "pulumi"
        self._script.write_text(PULUMI.format(python=sys.executable))
        self._script.chmod(0o755)
        self.write("outputs", deployment.all_outputs())
        self.configure(deployment.values)
        (folder / "authority.pem").write_text(deployment.farm.certificates.authority_pem)

    def write(self, file: str, content: object) -> None:
        (self.folder / file).write_text(json.dumps(content))

    def configure(self, values: Mapping[str, object]) -> None:
        """The stack file."""
        named = {f"exchange-cas:{name}": value for name, value in values.items()}
        entries = {"azure-native:location": "westeurope", **named}
        self.write("config", {name: {"value": to_config_text(value)} for name, value in entries.items()})

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.Popen(
            [sys.executable, "-m", "operations", *words],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> Ended:
        """Exit code, standard output, standard error; in this process, which has everything loaded."""
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        result = CliRunner().invoke(app, words, env={"PATH": path, "COLUMNS": "80"}, prog_name="operations")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert PASSWORD not in result.output
        return result.exit_code, result.stdout, result.stderr

    def type(self, *words: str) -> Ended:
        """The same in a new process."""
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        assert PASSWORD not in out + err
        return process.returncode, out, err

    def verify(
        self, deployment: Deployment, *words: str, by: Callable[[Shell], Callable[..., Ended]] = lambda shell: shell.run
    ) -> Ended:
        with AzureDns(lambda: deployment.rows, private=True) as resolver:
            where = f"{resolver.address}:{resolver.port}"
            return by(self)("verify", "--ca", str(self.folder / "authority.pem"), "--resolver", where, *words)


def to_config_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.fixture
def deployment(farm: Farm) -> Deployment:
    return Deployment(farm=farm)


@pytest.fixture
def shell(deployment: Deployment, tmp_path: Path) -> Shell:
    (tmp_path / "bin").mkdir()
    return Shell(deployment, tmp_path / "bin")


def test_verify_has_an_exit_code_for_fine_differences_and_could_not_look(deployment: Deployment, shell: Shell) -> None:
    code, out, err = shell.verify(deployment, by=lambda shell: shell.type)
    assert (code, out.splitlines()[-1], err) == (0, "verdict: fine", "")
    deployment.farm.organisation.change("ex02", "owa", "InternalUrl", "https://other/owa")
    code, out, _ = shell.verify(deployment)
    assert (code, out.splitlines()[-1]) == (1, "verdict: differences")
    assert f"different: EX02 owa.InternalUrl: expected https://{OWA}/owa, found https://other/owa" in out
    deployment.servers[0].stop()
    code, out, _ = shell.verify(deployment, "--json")
    assert (code, json.loads(out)["verdict"]) == (2, "could not look")


def test_drift_prints_one_command_for_all_servers_that_drifted_and_no_other(
    deployment: Deployment, shell: Shell
) -> None:
    assert shell.type("drift")[0] == 0
    for server in ("ex01", "ex02"):
        deployment.farm.organisation.change(server, "owa", "InternalUrl", "https://other/owa")
    code, out, _ = shell.run("drift", "--cwd", str(shell.folder))
    (command,) = [line for line in out.splitlines() if line.startswith("pulumi")]
    urns = [deployment.outputs[key]["namespaceUrn"] for key in ("ex01", "ex02")]
    targets = [word for urn in urns for word in ("--target-replace", urn)]
    assert code == 1
    assert shlex.split(command) == ["pulumi", "up", "--stack", "test", "--cwd", str(shell.folder), *targets]
    deployment.farm.organisation.change("ex01", "owa", "InternalUrl", f"https://{OWA}/owa")
    assert urns[0] not in shell.run("drift", "--json")[1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["verify", "--stack", "other"], "error: no stack of that name"),
        (["drift", "--cwd", "/nowhere"], "--cwd /nowhere is not a folder"),
        (["verify", "--ca", "/nowhere.pem"], "--ca /nowhere.pem: No such file"),
        (["verify", "--resolver", "a:b:c"], "write HOST or HOST:PORT"),
        (["verify", "--name-server", "127.0.0.1"], "the stack has no public zone"),
    ],
)
def test_unreadable_input_is_one_clear_error_and_exit_code_2(shell: Shell, words: list[str], reason: str) -> None:
    code, out, err = shell.run(*words)
    assert (code, out) == (2, "")
    assert reason in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "outputs",
    [{"dns": {}}, {"servers": {"ex01": {"computerName": "EX01", "inRotation": True}}}],
    ids=["while the stack is read", "while servers are looked at"],
)
def test_an_unexpected_error_is_one_line_and_exit_code_2(
    deployment: Deployment, shell: Shell, outputs: dict[str, object]
) -> None:
    shell.write("outputs", {**deployment.all_outputs(), **outputs})
    code, out, err = shell.verify(deployment)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("Unexpected KeyError: ")


def test_a_stack_without_servers_says_what_to_run(shell: Shell) -> None:
    shell.write("outputs", {})
    assert shell.run("drift") == (
        2,
        "",
        "The stack test has no output `servers`: no `pulumi up` of it has finished yet. Run: pulumi up --stack test\n",
    )


def test_a_stack_that_an_older_program_deployed_says_what_to_run(deployment: Deployment, shell: Shell) -> None:
    shell.write("outputs", {key: deployment.all_outputs()[key] for key in ("names", "settings", "servers")})
    reason = "without the outputs namespace, dns, exchangeVersion, httpsPort, ssh"
    error = (
        f"The stack test was deployed by an older version of this program, {reason}. Run once: pulumi up --stack test\n"
    )
    assert shell.run("verify") == shell.run("drift") == (2, "", error)


def test_a_stack_file_without_a_logon_says_what_is_missing(deployment: Deployment, shell: Shell) -> None:
    shell.configure({key: value for key, value in deployment.values.items() if key != "operatorPassword"})
    error = "test: the stack file has no operatorPassword, needed to log on to the servers. "
    remedy = "Run: pulumi config set --secret operatorPassword --stack test\n"
    assert shell.run("drift") == (2, "", error + remedy)


def test_an_edit_that_is_not_deployed_is_one_line_of_the_output(deployment: Deployment, shell: Shell) -> None:
    shell.configure({**deployment.values, "httpsPort": 9, "dns": {**deployment.values["dns"], "ttlSeconds": 60}})
    line = (
        "shown: stack file: it differs from what is deployed: dns.ttlSeconds, httpsPort. "
        "See it: pulumi preview --stack test; deploy it: pulumi up --stack test"
    )
    code, out, _ = shell.verify(deployment)
    assert (code, out.splitlines().count(line), out.splitlines()[-1]) == (0, 1, "verdict: fine")
    code, out, _ = shell.run("drift")
    assert (code, out.splitlines().count(line), "heal with" in out) == (0, 1, False)
    deployment.farm.organisation.change("ex02", "owa", "InternalUrl", "https://other/owa")
    code, out, _ = shell.run("drift")
    assert "heal with (undo or deploy the edit of the stack file first: the command uses the edited file):" in out
    assert json.loads(shell.run("drift", "--json")[1])["file"]["state"] == "shown"


def test_an_interruption_prints_nothing(farm: Farm, tmp_path: Path) -> None:
    deployment, running = Deployment(farm=farm, pwsh=sys.executable), tmp_path / "running"
    os.mkfifo(running)
    script = f"import time\nopen({str(running)!r}, 'w').close()\ntime.sleep(600)"
    deployment.servers[0].drive.local(f"{SCRIPTS}Get-ClientAccessNamespace.ps1").write_text(script)
    (tmp_path / "bin").mkdir()
    process = Shell(deployment, tmp_path / "bin").start("drift")
    running.open().close()  # returns when the script has opened it too
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "")
