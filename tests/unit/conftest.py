"""What several files of unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.unit.azure_native import Azure
from tests.unit.drill_namespace import Namespace
from tests.unit.powershell_setup import Computer, bare_computer
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
