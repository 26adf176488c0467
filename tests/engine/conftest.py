"""Rehearsals for the engine tier: the real engine against the stand-ins. Scripts run only if a test asks for it."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from rehearsal import stack_file, tools
from rehearsal.ports import is_free
from rehearsal.rehearsal import KeptRehearsal, Rehearsal
from rehearsal.stack import EngineStack, Update
from tests.engine.warm_python import AVAILABLE, WarmPython

Edit = Callable[[dict[str, Any]], None]
Start = Callable[..., Rehearsal]
ROTATION = "exchange-cas:rotation"
SERVERS = "exchange-cas:servers"
DRAIN_SECONDS = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployed:
    """A stack right after its first `up`. `fresh`: the settings of each existing server before it."""

    kept: KeptRehearsal
    first: Update
    fresh: dict[str, dict[str, dict[str, Any]]]


def is_startable(kept: KeptRehearsal) -> bool:
    """Whether its ports are still free."""
    farm = kept.file.farm
    placed = {address for server in kept.servers for address in server.addresses}
    addresses = {server.address for server in farm.servers.values()} | placed
    return all(is_free(address, port) for address in addresses for port in (farm.ssh.port, farm.https_port))


class Rehearsals:
    """Starts rehearsals of stack files; each is created and deployed once, and copied for each test that goes on."""

    def __init__(self, found: tools.Tools, folder: Path) -> None:
        self._found, self._folder = found, folder
        self._numbers = itertools.count()
        self._created: dict[str, KeptRehearsal] = {}
        self._deployed: dict[tuple[str, Edit | None, Path | None], Deployed] = {}

    def fresh(self, stack: str, edit: Edit | None, folder: Path, powershell: Path | None = None) -> Rehearsal:
        """The stack file, edited before it is read; nothing is deployed yet. `powershell` runs the scripts, if any."""
        if edit is None:
            return Rehearsal(stack, folder / "rehearsal", self.tools(powershell), kept=self._create(stack))
        return self._read(stack, edit, folder, powershell)

    def _create(self, stack: str) -> KeptRehearsal:
        """The unedited stack with its secrets, which takes three commands of the engine."""
        if stack not in self._created or not is_startable(self._created[stack]):
            folder = self._next_folder()
            with self._read(stack, None, folder) as rehearsal:
                self._created[stack] = rehearsal.keep(folder / "kept")
        return self._created[stack]

    def _read(self, stack: str, edit: Edit | None, folder: Path, powershell: Path | None = None) -> Rehearsal:
        content = yaml.safe_load(stack_file.find_stack_file(stack).read_text(encoding="utf-8"))
        if edit:
            edit(content["config"])
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / f"Pulumi.{stack}.yaml"
        source.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return Rehearsal(stack, folder / "rehearsal", self.tools(powershell), source=source)

    def deployed(self, stack: str, edit: Edit | None = None, powershell: Path | None = None) -> Deployed:
        key = (stack, edit, powershell)
        if key not in self._deployed or not is_startable(self._deployed[key].kept):
            folder = self._next_folder()
            with self.fresh(stack, edit, folder, powershell) as rehearsal:
                fresh = {name: rehearsal.organisation.settings(name) for name in rehearsal.datacentre.servers}
                first = rehearsal.stack.up()
                kept = rehearsal.keep(folder / "kept")
            self._deployed[key] = Deployed(kept=kept, first=first, fresh=fresh)
        return self._deployed[key]

    def go_on(self, stack: str, edit: Edit | None, folder: Path, powershell: Path | None = None) -> Rehearsal:
        kept = self.deployed(stack, edit, powershell).kept
        return Rehearsal(stack, folder / "rehearsal", self.tools(powershell), kept=kept)

    def _next_folder(self) -> Path:
        return self._folder / str(next(self._numbers))

    def tools(self, powershell: Path | None = None) -> tools.Tools:
        return dataclasses.replace(self._found, powershell=powershell)


@pytest.fixture(scope="session", autouse=True)
def without_logs() -> Iterator[None]:
    """The engine keeps a compressed log of each command, which takes it a fifth of its time, and no test reads it.

    It goes without where a file stands in the place of its folder.
    """
    prepare = EngineStack._prepare

    def prepare_without_logs(stack: EngineStack, attached: dict[str, int], passphrase: str) -> dict[str, str]:
        environment = prepare(stack, attached, passphrase)
        Path(environment["PULUMI_HOME"], "logs").touch()
        return environment

    with patch.object(EngineStack, "_prepare", prepare_without_logs):
        yield


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tools.Tools]:
    """The tools of this computer; the language host's stand-in forks a warm Python.

    Each worker has its own copy of the engine, because the engine finds the stand-in beside itself.
    """
    parts = tools.find_tools()
    if parts.language_host or not AVAILABLE:
        yield parts
        return
    engine = tmp_path_factory.mktemp("engine") / "pulumi"
    link_or_copy(parts.engine, engine)
    with WarmPython(tmp_path_factory.mktemp("warm")) as warm:
        yield dataclasses.replace(parts, engine=engine, python=warm.launcher, host_folder=engine.parent)


def link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source.resolve())
    except OSError:  # another file system
        shutil.copy2(source, target)


@pytest.fixture(scope="session")
def rehearsals(found: tools.Tools, tmp_path_factory: pytest.TempPathFactory) -> Rehearsals:
    return Rehearsals(found, tmp_path_factory.mktemp("deployed"))


@pytest.fixture
def start(tmp_path: Path, rehearsals: Rehearsals, request: pytest.FixtureRequest) -> Iterator[Start]:
    """`start("lab", edit)` starts the rehearsal of a stack file, edited before it is read; nothing is deployed yet.

    With `powershell=True` the real scripts run, which takes longer; otherwise stand-ins answer for them.
    """
    yield from _started(rehearsals.fresh, tmp_path, request)


@pytest.fixture
def deployed(tmp_path: Path, rehearsals: Rehearsals, request: pytest.FixtureRequest) -> Iterator[Start]:
    """`deployed("lab", edit)` continues from a copy of a stack that is up; the original stays as it is."""
    yield from _started(rehearsals.go_on, tmp_path, request)


def _started(
    make: Callable[..., Rehearsal], folder: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Rehearsal]]:
    with ExitStack() as running:

        def one(stack: str = "lab", edit: Edit | None = None, *, powershell: bool = False) -> Rehearsal:
            program = request.getfixturevalue("powershell") if powershell else None
            return running.enter_context(make(stack, edit, folder, program))

        yield one


def keep_whole(rehearsal: Rehearsal) -> None:
    """The backend writes each file in one step (docs/state-for-teams.md): a run may be killed at any moment."""
    rehearsal.stack.environment["PULUMI_BACKEND_URL"] += "?metadata=skip"


def quick(config: dict[str, Any]) -> None:
    """Shortens the TTL to one second and the waits of a rotation, so that a rotation takes seconds."""
    config["exchange-cas:dns"] = {**config.get("exchange-cas:dns", {}), "ttlSeconds": 1}
    config["exchange-cas:allowSingleServer"] = True
    config[ROTATION] = {"drainSeconds": DRAIN_SECONDS, "healthSeconds": 60}


@pytest.fixture
def quick_lab(deployed: Start) -> Rehearsal:
    """A deployed lab with these short times."""
    return deployed("lab", quick)


def rotate(rehearsal: Rehearsal, **keys: bool) -> None:
    """Edits `inRotation` of servers; `ex02=False` takes ex02 out of rotation."""

    def edit(config: dict[str, Any]) -> None:
        for server, in_rotation in keys.items():
            config[SERVERS][server]["inRotation"] = in_rotation

    rehearsal.stack.change(edit)
