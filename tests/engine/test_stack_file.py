"""`stacks.file` and the engine read the same values from a stack file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal import tools
from rehearsal.stack import EngineStack
from stacks import file
from stacks.arguments import PROJECT
from tests.unit.yaml_scalars import SCALARS

pytestmark = pytest.mark.engine


def test_the_engine_reads_every_scalar_as_stacks_file_does(tmp_path: Path, found: tools.Tools) -> None:
    stack = EngineStack("scalars", tmp_path, found, {}, "passphrase")
    lines = [f"    - {text}\n" for text in SCALARS]
    text = "config:\n  exchange-cas:list:\n" + "".join(lines) + "  protect: true\n  exchange-cas:config:vmSize: x\n"
    stack.file.write_text(text, encoding="utf-8")
    ours = file.parse_stack_file(text.encode(), PROJECT).config
    stack.run("stack", "init", "scalars")
    answered = json.loads(stack.run("config", "--json", "--stack", "scalars"))
    assert ours.keys() == {f"{PROJECT}:{name}" for name in ("list", "protect", "vmSize")}
    assert (answered[f"{PROJECT}:protect"]["value"], answered[f"{PROJECT}:vmSize"]["value"]) == ("true", "x")
    theirs = answered[f"{PROJECT}:list"]["objectValue"]
    differing = {
        text: (engine, own)
        for text, engine, own in zip(SCALARS, theirs, ours[f"{PROJECT}:list"], strict=True)
        if (type(engine), engine) != (type(own), own)
    }
    assert differing == {}
