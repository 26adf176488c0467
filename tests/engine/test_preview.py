"""A preview talks to the engine and its providers, and to nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import debug_lines
from tests.engine.conftest import Start

pytestmark = pytest.mark.engine

# Loaded by every Python that the engine starts. gRPC, which talks to the engine, opens its sockets outside Python.
WATCH = """\
import sys, os

def note(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        os.write(seen, f"{event} {args[1:]}\\n".encode())

seen = os.open(PATH, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(seen, b"watching\\n")
sys.addaudithook(note)
"""


def test_a_preview_makes_no_connection_of_its_own(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = tmp_path / "watch" / "seen"
    watched.parent.mkdir()
    (watched.parent / "sitecustomize.py").write_text(WATCH.replace("PATH", repr(str(watched))))
    monkeypatch.setenv("PYTHONPATH", str(watched.parent))
    existing = start("existing")

    existing.stack.preview()

    assert set(watched.read_text().splitlines()) == {"watching"}
    assert existing.datacentre.connections() == 0
    assert existing.public_dns.queries == existing.private_dns.queries == []


def test_debug_lines_of_the_sdk_come_when_they_are_asked_for(start: Start) -> None:
    stack = start("existing").stack
    line = "registering resource: ty=command:remote:Command"
    assert line not in stack.run("preview", "--debug", "--stack", stack.name)
    stack.environment[debug_lines.WANTED] = "1"
    assert line in stack.run("preview", "--debug", "--stack", stack.name)
