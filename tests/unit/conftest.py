"""What several files of unit tests share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from typer.testing import CliRunner, Result

from operations.__main__ import app
from tests.unit.azure_native import Azure
from tests.unit.drill_namespace import Namespace
from tests.unit.powershell_setup import Computer, bare_computer
from tests.unit.previews import Step
from tests.unit.servers import Farm


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.fixture
def farm(portal: BlockingPortal, tmp_path: Path) -> Iterator[Farm]:
    made = Farm(portal=portal, folder=tmp_path)
    yield made
    made.stop()


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[Azure]:
    made = Azure(tmp_path / "subscription.json")
    yield made
    made.stop()


@pytest.fixture
def namespace(farm: Farm) -> Iterator[Namespace]:
    made = Namespace(farm)
    with made.dns:
        yield made


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Computer]:
    with bare_computer(tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., Result]:
    """`review(content, "--strict")` types the command; `content` is a digest, or a file's bytes."""

    def run(content: Step | bytes, *words: str) -> Result:
        file = tmp_path / "preview.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return CliRunner().invoke(app, ["review", str(file), *words])

    return run


@pytest.fixture
def dead() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid
