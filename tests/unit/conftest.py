"""Fixtures that several files of unit tests use."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pulumi.runtime.proto.engine_pb2_grpc import add_EngineServicer_to_server
from typer.testing import CliRunner, Result

from operations.__main__ import app
from rehearsal.stand_ins.command import CommandProvider
from tests.unit.azure_native import Azure, interface, make_network
from tests.unit.command_calls import Engine, Serve
from tests.unit.drill_namespace import DrillNamespace
from tests.unit.powershell_setup import Computer, bare_computer
from tests.unit.previews import Step
from tests.unit.provider_client import ProviderClient
from tests.unit.scripted_ssh_server import ScriptedSshServer
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
def interface_id(azure: Azure) -> str:
    """A network interface in the network of `make_network`."""
    make_network(azure)
    id, _ = azure.create("network:NetworkInterface", interface())
    return id


@pytest.fixture
def namespace(farm: Farm) -> Iterator[DrillNamespace]:
    made = DrillNamespace(farm)
    with made.dns:
        yield made


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Computer]:
    with bare_computer(tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture
def review(tmp_path: Path) -> Callable[..., Result]:
    """`review(content, "--strict")` runs the command; `content` is a preview's digest, or the bytes of a file."""

    def run(content: Step | bytes, *words: str) -> Result:
        file = tmp_path / "preview.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return CliRunner().invoke(app, ["review", str(file), *words])

    return run


@pytest.fixture
def dead_process() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The folder that a command provider runs in."""
    folder = tmp_path / "program"
    folder.mkdir()
    return folder


@pytest.fixture
def client(program: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderClient]:
    """An engine's connection to the stand-in of the command provider."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with CommandProvider(program) as provider, contextlib.closing(ProviderClient(provider.port, [])) as connected:
        yield connected


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts scripted SSH servers, which stop with the test."""
    with contextlib.ExitStack() as running:
        yield lambda **how: running.enter_context(ScriptedSshServer(tmp_path, **how))


@pytest.fixture
def attached_engine() -> Iterator[tuple[Engine, str]]:
    """An engine that providers attach to, and its address."""
    servicer = Engine()
    server = grpc.server(ThreadPoolExecutor(2))
    add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(None).wait()
