"""Rehearsals for the engine tier: the real engine and the real scripts against the stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import stack_file, tools
from rehearsal.rehearsal import Rehearsal

Edit = Callable[[dict[str, Any]], None]
Start = Callable[..., Rehearsal]
ROTATION = "exchange-cas:rotation"
SERVERS = "exchange-cas:servers"
DRAIN_SECONDS = 2


@pytest.fixture(scope="session")
def found() -> tools.Tools:
    """Fails where there is no engine or no PowerShell: nothing is skipped unseen."""
    parts = tools.find()
    assert parts.powershell, "No PowerShell: install pwsh, or put one into ../shared/pwsh."
    return parts


@pytest.fixture
def start(tmp_path: Path, found: tools.Tools) -> Iterator[Start]:
    """`start("lab", edit)` starts the rehearsal of a stack file, edited before it is read; nothing is deployed yet."""
    with ExitStack() as running:

        def one(stack: str = "lab", edit: Edit | None = None) -> Rehearsal:
            content = yaml.safe_load(stack_file.path_of(stack).read_text(encoding="utf-8"))
            if edit:
                edit(content["config"])
            source = tmp_path / f"Pulumi.{stack}.yaml"
            source.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
            return running.enter_context(Rehearsal(stack, tmp_path / "rehearsal", found, source=source))

        yield one


def keep_whole(rehearsal: Rehearsal) -> None:
    """Its backend writes nothing in two steps (docs/state-for-teams.md): a run may be killed at any moment."""
    rehearsal.stack.environment["PULUMI_BACKEND_URL"] += "?metadata=skip"


def quick(config: dict[str, Any]) -> None:
    """A stack whose clients forget an address after a second, so that nobody waits long for a rotation."""
    config["exchange-cas:dns"] = {**config.get("exchange-cas:dns", {}), "ttlSeconds": 1}
    config["exchange-cas:allowSingleServer"] = True
    config[ROTATION] = {"drainSeconds": DRAIN_SECONDS, "healthSeconds": 60}


@pytest.fixture
def quick_lab(start: Start) -> Rehearsal:
    """Such a lab, up."""
    rehearsal = start("lab", quick)
    rehearsal.stack.up()
    return rehearsal


def rotate(rehearsal: Rehearsal, **keys: bool) -> None:
    """`ex02=False`: out of rotation."""

    def edit(config: dict[str, Any]) -> None:
        for server, in_rotation in keys.items():
            config[SERVERS][server]["inRotation"] = in_rotation

    rehearsal.stack.change(edit)
