"""Labs that come and go on the real engine, as they are typed: killed anywhere, two at once, refused."""

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

from rehearsal import tools
from rehearsal.rehearsal import Rehearsal
from rehearsal.tools import REPOSITORY

pytestmark = pytest.mark.engine

DOMAIN = "lab.mail-domain.com"
SECONDS = 120


@dataclass(frozen=True)
class Typed:
    code: int
    out: str
    err: str


class Hold:
    """Holds Azure up at the n-th moment of a kind, until it is let go."""

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
    """A subscription, a backend and a project, and somebody who types the lab commands."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.project = rehearsal.stack.project
        self._base = [str(path) for path in self._backend("stacks/*/*.json")]

    def file(self, name: str) -> Path:
        return self.project / "stacks" / f"Pulumi.lab-{name}.yaml"

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "operations", "lab", *words, "--cwd", str(self.project)],
            cwd=REPOSITORY,
            env=self.rehearsal.stack.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def type(self, *words: str) -> Typed:
        process = self.start(*words)
        out, err = process.communicate(timeout=SECONDS)
        assert "Traceback" not in err, err
        return Typed(process.returncode, out, err)

    def killed(self, hold: Hold, *words: str, everything: bool = False) -> Typed:
        """Types it and kills the engine with -9 at that moment, and the command itself where `everything` goes."""
        self.rehearsal.azure.on(hold)
        process = self.start(*words)
        try:
            assert hold.reached.wait(SECONDS), "the run never came that far"
            (engine,) = [row for row in psutil.Process(process.pid).children() if row.name().startswith("pulumi")]
            if everything:
                os.kill(process.pid, signal.SIGKILL)
            engine.kill()
            engine.wait(SECONDS) if not everything else psutil.wait_procs([engine], SECONDS)
        finally:
            hold.go.set()
            self.rehearsal.azure.on(None)
        out, err = process.communicate(timeout=SECONDS)
        return Typed(process.returncode, out, err)

    def state(self, name: str) -> dict[str, Any]:
        (path,) = self._backend(f"stacks/*/lab-{name}.json")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["checkpoint"]["latest"]
        return found

    def left(self) -> list[str]:
        """Of labs: resources, servers, stacks, locks and stack files."""
        stacks = [str(path) for path in self._backend("stacks/*/*.json") if str(path) not in self._base]
        locks = [str(path) for path in self.locks()]
        files = [path.name for path in (self.project / "stacks").iterdir() if path.name != "Pulumi.lab.yaml"]
        servers = list(self.rehearsal.datacentre.servers)
        return [*self.rehearsal.left_over(), *servers, *stacks, *locks, *files]

    def locks(self) -> list[Path]:
        return self._backend("locks/**/*.json")

    def trust(self, *names: str) -> None:
        """The servers' certificate has these labs' names, too."""
        hosts = {f"{host}.{name}.{DOMAIN}" for name in names for host in ("owa", "autodiscover")}
        self.rehearsal.certificates.renew(self.rehearsal.certificates.names | hosts)

    def _backend(self, pattern: str) -> list[Path]:
        return list((self.rehearsal.stack.folder / "state" / ".pulumi").glob(pattern))


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory, found: tools.Tools) -> Iterator[Labs]:
    """One subscription for all: whatever a lab leaves behind, the next test finds."""
    with Rehearsal("lab", tmp_path_factory.mktemp("labs") / "rehearsal", found) as rehearsal:
        yield Labs(rehearsal)


MOMENTS = [
    ("asked", "resources:ResourceGroup", 1),
    ("done", "resources:ResourceGroup", 1),
    ("done", "network:VirtualNetwork", 1),
    ("asked", "network:Subnet", 1),
    ("done", "privatedns:PrivateZone", 1),
    ("done", "network:NetworkInterface", 1),
    ("done", "compute:VirtualMachine", 1),
    ("asked", "compute:VirtualMachineRunCommandByVirtualMachine", 2),
    ("done", "devtestlab:GlobalSchedule", 2),
    ("done", "privatedns:PrivateRecordSet", 1),
]


@pytest.mark.parametrize(("what", "type", "count"), MOMENTS)
def test_an_engine_killed_at_any_moment_leaves_nothing_after_lab_down(
    labs: Labs, what: str, type: str, count: int
) -> None:
    labs.trust("anna")
    up = labs.killed(Hold(what, type, count), "up", "anna")
    assert up.code == 2
    assert labs.locks(), "the killed run left its lock"
    assert labs.state("anna")["pending_operations"], "and an operation whose answer never arrived"
    assert labs.rehearsal.left_over(), "and something in Azure"
    down = labs.type("down", "anna")
    assert (down.code, labs.left()) == (0, []), down.err
    assert "its lock" in down.out
