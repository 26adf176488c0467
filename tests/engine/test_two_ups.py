"""Two people run `up` at once, and one who was killed: the lock keeps the state whole."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from rehearsal.stand_ins.provider.servicer import ProviderError
from tests.engine.conftest import Start, keep_whole, quick
from tests.engine.left_behind import LeftBehind

pytestmark = pytest.mark.engine


class Held:
    """Writes of Azure's stand-in wait: `reached` says that one came, `go_on` lets them be done, or `lost` be lost."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.lost = False


@pytest.fixture
def existing(start: Start) -> Rehearsal:
    rehearsal = start("existing", quick)
    keep_whole(rehearsal)
    return rehearsal


@contextmanager
def held_write(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    put: Callable[..., Any] = rehearsal.azure.subscription.put

    def waiting(*words: Any, **options: Any) -> Any:
        held.reached.set()
        assert held.go_on.wait(60)
        if held.lost:
            raise ProviderError("the engine is gone")
        return put(*words, **options)

    with monkeypatch.context() as patched:
        patched.setattr(rehearsal.azure.subscription, "put", waiting)
        try:
            yield held
        finally:
            held.go_on.set()


def typed(rehearsal: Rehearsal, *words: str) -> subprocess.Popen[str]:
    """`pulumi` in somebody's terminal."""
    return subprocess.Popen(
        [str(rehearsal.tools.engine), *words, "--stack", rehearsal.stack.name, "--non-interactive"],
        cwd=rehearsal.stack.project,
        env=rehearsal.stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def locks(rehearsal: Rehearsal) -> list[str]:
    """Suffixes of the files that hold the stack."""
    held = (rehearsal.stack.folder / "state" / ".pulumi" / "locks").rglob("*.*")
    return [path.suffix for path in held]


def test_the_second_of_two_ups_is_refused_and_nothing_is_lost(
    existing: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_write(existing, monkeypatch) as held, typed(existing, "up", "--yes", "--skip-preview") as first:
        assert held.reached.wait(60)
        there, written = list(existing.azure.subscription.resources), existing.datacentre.connections()
        for word in ("up", "destroy"):
            with pytest.raises(CommandFailedError, match=rf"currently locked by 1 lock\(s\)[^$]*pid {first.pid}\)"):
                existing.stack.run(word, "--yes", "--skip-preview", "--stack", "existing")
        assert existing.stack.preview()["changeSummary"]["create"] > 0, "looking is allowed"
        assert list(existing.azure.subscription.resources) == there
        assert existing.datacentre.connections() == written
        held.go_on.set()
        printed, _ = first.communicate(timeout=120)
    assert first.returncode == 0, printed
    assert locks(existing) == []
    assert existing.stack.up().changes == [], "the first run's work is whole, and so is what the state says of it"


def test_a_killed_runs_lock_is_taken_away_by_hand_and_the_next_up_ends_its_work(
    existing: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind = LeftBehind()
    with held_write(existing, monkeypatch) as held, typed(existing, "up", "--yes", "--skip-preview") as first:
        assert held.reached.wait(60)
        left_behind.note(first.pid)
        first.kill()
        first.communicate(timeout=60)
        held.lost = True
    assert locks(existing) == [".json"], "nothing lies beside it that a kill could have left half written"
    with pytest.raises(CommandFailedError, match="currently locked by 1 lock"):
        existing.stack.up()
    existing.stack.run("cancel", "--yes", "existing")
    assert locks(existing) == []
    existing.stack.up()
    assert existing.stack.up().changes == []
    left_behind.wait()
