"""A preview connects only to the engine and its providers, and takes time in proportion to the resources."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components import engine
from rehearsal import tools
from rehearsal.rehearsal import Rehearsal

pytestmark = pytest.mark.engine

# The first lines of each watch. Every Python that the engine starts runs a watch before its program.
BEGIN = """\
import os

seen = os.open(PATH, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(seen, b"watching\\n")
"""
# Does not see gRPC's connections to the engine, which are opened outside Python.
CONNECTIONS = """\
import sys

def note(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        os.write(seen, f"{event} {args[1:]}\\n".encode())

sys.addaudithook(note)
"""

# Writes for each call of asyncio.wait how many futures it waits for.
COUNT = """\
import asyncio

async def counted(things, **options):
    os.write(seen, f"{len(things)}\\n".encode())
    return await wait(things, **options)

wait, asyncio.wait = asyncio.wait, counted
"""


@pytest.fixture
def existing(tmp_path: Path, found: tools.Tools) -> Iterator[Rehearsal]:
    """A stack that is not deployed; the engine starts a new Python, not a warm one."""
    parts = dataclasses.replace(found, python=Path(sys.executable), powershell=None)
    with Rehearsal("existing", tmp_path / "rehearsal", parts) as rehearsal:
        yield rehearsal


@pytest.fixture
def watch(tmp_path: Path, existing: Rehearsal) -> Callable[[str], Path]:
    """`watch(text)` makes every Python of the engine run this text first; returns the file that the text writes to."""

    def begin(text: str) -> Path:
        watched = tmp_path / "watch" / "seen"
        watched.parent.mkdir()
        (watched.parent / "sitecustomize.py").write_text(BEGIN.replace("PATH", repr(str(watched))) + text)
        existing.stack.environment["PYTHONPATH"] = str(watched.parent)
        return watched

    return begin


def test_a_preview_makes_no_connection_of_its_own(existing: Rehearsal, watch: Callable[[str], Path]) -> None:
    watched = watch(CONNECTIONS)

    existing.stack.preview()

    assert set(watched.read_text().splitlines()) == {"watching"}
    assert existing.datacentre.connections() == 0
    assert existing.public_dns.queries == existing.private_dns.queries == []


def test_the_program_does_not_wait_again_for_all_resources_after_each_one(
    existing: Rehearsal, watch: Callable[[str], Path]
) -> None:
    watched = watch(COUNT)

    resources = len(existing.stack.preview()["steps"])

    lines = watched.read_text().splitlines()
    assert "watching" in lines
    assert sum(int(line) for line in lines if line != "watching") < 10 * resources


def test_debug_lines_of_the_sdk_are_printed_only_when_requested(existing: Rehearsal) -> None:
    stack = existing.stack
    line = "registering resource: ty=command:remote:Command"
    assert line not in stack.run("preview", "--debug", "--stack", stack.name)
    stack.environment[engine.DEBUG_VARIABLE] = "1"
    assert line in stack.run("preview", "--debug", "--stack", stack.name)
