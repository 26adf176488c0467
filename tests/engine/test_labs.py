"""`lab up` and `lab down` on the real engine, typed as a person does: killed anywhere, two at once, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from rehearsal.tools import REPOSITORY
from tests.engine.conftest import Rehearsals, Start, keep_whole
from tests.engine.left_behind import LeftBehind
from tests.engine.looks import resolve

# A busy computer needs this long.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

DOMAIN = "lab.mail-domain.com"
SECONDS = 300


@dataclass(frozen=True)
class LabRun:
    code: int
    out: str
    err: str


class Hold:
    """Stops Azure at the n-th moment of a kind, until `go` is set."""

    def __init__(self, what: str, type: str, count: int) -> None:
        self._wanted, self._left, self._lock = (what, type), count, threading.Lock()
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, what: str, type: str) -> None:
        with self._lock:
            self._left -= (what, type) == self._wanted
            mine = self._left == 0 and not self.reached.is_set()
            if mine:
                self.reached.set()
        if mine:
            self.go.wait(SECONDS)


class Labs:
    """A subscription, a backend and a project, and the lab commands as a person types them."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.project = rehearsal.stack.project
        self.left_behind = LeftBehind()
        self._started: list[subprocess.Popen[str]] = []
        self._base = [str(path) for path in self._backend("stacks/*/*.json")]

    def file(self, name: str) -> Path:
        return self.project / "stacks" / f"Pulumi.lab-{name}.yaml"

    def start(self, *words: str, python: str | Path = sys.executable) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [python, "-m", "operations", "lab", *words, "--cwd", str(self.project)],
            cwd=REPOSITORY,
            env=self.rehearsal.stack.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Ends the processes of a test that failed."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def type(self, *words: str) -> LabRun:
        process = self.start(*words, python=self.rehearsal.tools.python)
        out, err = process.communicate(timeout=SECONDS)
        assert "Traceback" not in err, err
        return LabRun(process.returncode, out, err)

    def killed(self, hold: Hold, *words: str, everything: bool = False) -> LabRun:
        """Types it and kills the engine with -9 at that moment; with `everything`, kills the command first."""
        self.rehearsal.azure.observe(hold)
        process = self.start(*words)
        try:
            while not hold.reached.wait(0.5):
                assert process.poll() is None, process.communicate()
            (engine,) = [row for row in psutil.Process(process.pid).children() if row.name().startswith("pulumi")]
            self.left_behind.note(engine.pid)
            if everything:
                os.kill(process.pid, signal.SIGKILL)
            engine.kill()
            psutil.wait_procs([engine], SECONDS)
        finally:
            hold.go.set()
            self.rehearsal.azure.observe(None)
        out, err = process.communicate(timeout=SECONDS)
        return LabRun(process.returncode, out, err)

    def state(self, name: str) -> dict[str, Any]:
        (path,) = self._backend(f"stacks/*/lab-{name}.json")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["checkpoint"]["latest"]
        return found

    def left(self) -> list[str]:
        """What labs left: resources, servers, stacks, locks and stack files."""
        stacks = [str(path) for path in self._backend("stacks/*/*.json") if str(path) not in self._base]
        locks = [str(path) for path in self.locks()]
        files = [path.name for path in (self.project / "stacks").iterdir() if path.name != "Pulumi.lab.yaml"]
        servers = list(self.rehearsal.datacentre.servers)
        return [*self.rehearsal.left_over(), *servers, *stacks, *locks, *files]

    def locks(self) -> list[Path]:
        return self._backend("locks/**/*.json")

    def holdings(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Everything that Azure and the backend hold, to compare before and after."""
        return self.rehearsal.azure.subscription.resources, self.state(name)

    def tear(self, name: str) -> None:
        """Empties the .attrs file beside the state: every `pulumi` command of the project now ends with "EOF"."""
        (path,) = self._backend(f"stacks/*/lab-{name}.json.attrs")
        path.write_bytes(b"")
        with pytest.raises(CommandFailedError, match="EOF"):
            self.rehearsal.stack.run("stack", "ls")

    def trust(self, *names: str) -> None:
        """Adds these labs' names to the servers' certificate."""
        hosts = {f"{host}.{name}.{DOMAIN}" for name in names for host in ("owa", "autodiscover")}
        self.rehearsal.certificates.renew(self.rehearsal.certificates.names | hosts)

    def _backend(self, pattern: str) -> list[Path]:
        return list((self.rehearsal.stack.folder / "state" / ".pulumi").glob(pattern))


@pytest.fixture
def labs(start: Start) -> Iterator[Labs]:
    yield from run_labs(start("lab"))


@pytest.fixture(scope="module")
def one_subscription(tmp_path_factory: pytest.TempPathFactory, rehearsals: Rehearsals) -> Iterator[Labs]:
    """One for all moments: what a lab leaves behind, the next one finds."""
    with rehearsals.fresh("lab", None, tmp_path_factory.mktemp("labs")) as rehearsal:
        yield from run_labs(rehearsal)


def run_labs(rehearsal: Rehearsal) -> Iterator[Labs]:
    made = Labs(rehearsal)
    yield made
    made.end()
    made.left_behind.wait()


@pytest.fixture
def bare(labs: Labs) -> Labs:
    """Servers and records only: these tests do not ask what Exchange holds."""
    key = "exchange-cas:configureNamespace"
    labs.rehearsal.stack.change(lambda config: config.update({key: False}))
    return labs


# `make test` keeps a torn backend, and a lab that Pulumi alone could not clean up.
MOMENTS = [
    pytest.param("asked", "resources:ResourceGroup", 1, marks=pytest.mark.soak),
    pytest.param("done", "resources:ResourceGroup", 1, marks=pytest.mark.soak),
    pytest.param("done", "network:VirtualNetwork", 1, marks=pytest.mark.soak),
    pytest.param("asked", "network:Subnet", 1, marks=pytest.mark.soak),
    ("done", "privatedns:PrivateZone", 1),
    pytest.param("done", "network:NetworkInterface", 1, marks=pytest.mark.soak),
    ("done", "compute:VirtualMachine", 1),
    pytest.param("asked", "compute:VirtualMachineRunCommandByVirtualMachine", 2, marks=pytest.mark.soak),
    pytest.param("done", "devtestlab:GlobalSchedule", 2, marks=pytest.mark.soak),
    pytest.param("done", "privatedns:PrivateRecordSet", 1, marks=pytest.mark.soak),
]
# In about one of twenty kills the backend was in the middle of a write.
TORN = "privatedns:PrivateZone"
# Resources that only Azure knows block the deletion of others in the state: a subnet, a network interface.
KEPT = {"network:NetworkInterface", "compute:VirtualMachine"}


@pytest.mark.parametrize(("what", "type", "count"), MOMENTS)
def test_an_engine_killed_at_any_moment_leaves_nothing_after_lab_down(
    one_subscription: Labs, what: str, type: str, count: int
) -> None:
    labs = one_subscription
    labs.trust("anna")
    up = labs.killed(Hold(what, type, count), "up", "anna")
    assert up.code == 2
    assert labs.locks(), "the killed run left its lock"
    if type == TORN:
        labs.tear("anna")
    assert labs.state("anna")["pending_operations"], "Azure's answer never arrived"
    assert labs.rehearsal.left_over(), "Azure holds resources"
    down = labs.type("down", "anna")
    assert (down.code, labs.left()) == (0, []), down.err
    assert "its lock" in down.out
    if type in KEPT:
        assert "as a whole" in down.out, "Pulumi alone could not"


def test_a_lab_has_its_own_names_and_goes_only_when_everything_in_it_is_its_own(labs: Labs) -> None:
    labs.trust("anna")
    up = labs.type("up", "anna", "--owner", "anna", "--hours", "5")
    assert up.code == 0, up.err
    assert resolve(labs.rehearsal.private_dns, f"owa.anna.{DOMAIN}")[0] == {"127.40.0.11", "127.40.0.12"}
    urls = [labs.rehearsal.organisation.settings(f"ANNA-EX0{number}")["owa"]["InternalUrl"] for number in (1, 2)]
    assert urls == [f"https://owa.anna.{DOMAIN}/owa"] * 2
    held = labs.rehearsal.azure.subscription.resources
    assert {id.split("/")[4] for id in held} == {"exchange-cas-lab-anna"}
    assert sum("/schedules/shutdown-computevm-ANNA-EX0" in id for id in held) == 2
    (tags,) = [body["tags"] for id, body in held.items() if id.endswith("/resourceGroups/exchange-cas-lab-anna")]
    assert (tags["lab"], tags["owner"], tags["purpose"]) == ("anna", "anna", "lab")
    assert has_no_secret(labs, up)

    before = labs.holdings("anna")
    other = labs.type("down", "anna", "--owner", "ben")
    assert (other.code, other.err.count("\n  ")) == (1, 1)
    assert "tag owner = 'anna', you are 'ben'" in other.err

    zone = f"{next(iter(held))}/providers/Microsoft.Network/dnszones/mail-domain.com"
    labs.rehearsal.azure.subscription.put_existing(zone, {"location": "global"})
    foreign = labs.type("down", "anna", "--owner", "anna")
    labs.rehearsal.azure.delete(zone)
    assert (foreign.code, foreign.err.count("\n  ")) == (1, 1)
    assert "zone mail-domain.com: exchange-cas-lab-anna holds it but the stack did not create it" in foreign.err

    file = labs.file("anna").read_text(encoding="utf-8")
    labs.file("anna").write_text(file.replace("config:", "config:\n  exchange-cas:protect: true"), encoding="utf-8")
    kept = labs.type("down", "anna", "--owner", "anna")
    labs.file("anna").write_text(file, encoding="utf-8")
    assert (kept.code, kept.err.count("\n  ")) == (1, 1)
    assert "protect = True" in kept.err

    assert labs.holdings("anna") == before
    assert labs.type("down", "anna", "--owner", "anna").code == 0
    assert labs.left() == []


def has_no_secret(labs: Labs, up: LabRun) -> bool:
    """No secret was printed or written to disk; the check has seen the lab's file and state."""
    texts = [file.read_text(errors="replace") for file in labs.rehearsal.folder.rglob("*") if file.is_file()]
    assert any("lab-anna" in text for text in texts)
    every = [*texts, up.out, up.err]
    return not any(secret in text for secret in labs.rehearsal.file.secrets.values() for text in every)


def test_lab_down_works_without_the_file_without_the_machines_and_after_it_was_killed(bare: Labs) -> None:
    assert bare.type("up", "anna").code == 0
    machines = [id for id in bare.rehearsal.azure.subscription.resources if "/virtualMachines/" in id]
    for id in [id for id in machines if id.count("/") == 8]:
        bare.rehearsal.azure.delete(id)
    bare.file("anna").unlink()
    connections = bare.rehearsal.datacentre.connections()
    bare.killed(Hold("delete", "network:NetworkInterface", 1), "down", "anna", everything=True)
    assert bare.rehearsal.left_over(), "it was killed before the end"
    down = bare.type("down", "anna")
    assert (down.code, bare.left()) == (0, []), down.err
    assert bare.rehearsal.datacentre.connections() == connections, "it dialled no server"
    again = bare.type("down", "anna")
    assert (again.code, again.out) == (0, "There is no lab anna: nothing to do.\n")


def test_a_resource_group_without_a_state_goes_by_its_tag_and_a_foreign_one_stays(bare: Labs) -> None:
    keep_whole(bare.rehearsal)
    bare.killed(Hold("done", "network:VirtualNetwork", 1), "up", "anna")
    bare.rehearsal.stack.run("cancel", "lab-anna", "--yes")
    bare.rehearsal.stack.run("stack", "rm", "lab-anna", "--force", "--yes", "--preserve-config")
    assert bare.file("anna").exists()
    down = bare.type("down", "anna")
    assert (down.code, bare.left()) == (0, []), down.err
    assert "is in Azure and not in the state" in down.out

    group = f"/subscriptions/{'0' * 8}-0000-4000-8000-{'0' * 12}/resourceGroups/exchange-cas-lab-anna"
    bare.rehearsal.azure.subscription.put_existing(group, {"location": "westeurope", "tags": {"lab": "another"}})
    assert bare.type("up", "anna").code == 2, "azure-native creates no group that exists"
    down = bare.type("down", "anna")
    assert (down.code, bare.left()) == (0, [group]), down.err
    bare.rehearsal.azure.delete(group)


def test_lab_down_refuses_while_another_run_goes_on(bare: Labs) -> None:
    hold = Hold("done", "resources:ResourceGroup", 1)
    bare.rehearsal.azure.observe(hold)
    up = bare.start("up", "anna")
    assert hold.reached.wait(SECONDS)
    azure = bare.rehearsal.azure.subscription
    before = azure.resources, bare.locks()
    assert before[1], "the run holds the stack"
    down = bare.type("down", "anna")
    assert (down.code, (azure.resources, bare.locks())) == (1, before)
    assert "another run holds the stack" in down.err
    bare.left_behind.note(up.pid)
    os.killpg(up.pid, signal.SIGKILL)
    hold.go.set()
    bare.rehearsal.azure.observe(None)
    up.communicate(timeout=SECONDS)
    assert bare.type("down", "anna").code == 0
    assert bare.left() == []


def test_two_labs_at_once_do_not_affect_each_other(bare: Labs) -> None:
    networks = {"anna": "127.50.0.0/16", "ben": "127.51.0.0/16"}
    running = {name: bare.start("up", name, "--network", prefix) for name, prefix in networks.items()}
    for process in running.values():
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
    azure = bare.rehearsal.azure.subscription
    bens = {id: body for id, body in azure.resources.items() if "lab-ben" in id}
    assert bens.keys() != azure.resources.keys()
    assert "anna" not in json.dumps(bens)
    state = bare.state("ben")
    down = bare.type("down", "anna")
    assert (down.code, azure.resources, bare.state("ben")) == (0, bens, state), down.err
    assert resolve(bare.rehearsal.private_dns, f"owa.ben.{DOMAIN}")[0] == {"127.51.0.11", "127.51.0.12"}
    assert resolve(bare.rehearsal.private_dns, f"owa.anna.{DOMAIN}")[0] == set()
    assert set(bare.rehearsal.datacentre.servers) == {"BEN-EX01", "BEN-EX02"}
    assert bare.type("down", "ben").code == 0
    assert bare.left() == []
