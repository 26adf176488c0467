"""Two people run `up` at the same time, and an `up` is killed: the lock protects the state."""

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


class PausedWrites:
    """Writes to Azure's stand-in wait from `reached`, when the first arrives, until `resume`; with `fail` they fail."""

    def __init__(self) -> None:
        self.reached, self.resume = threading.Event(), threading.Event()
        self.fail = False


@pytest.fixture
def existing(start: Start) -> Rehearsal:
    rehearsal = start("existing", quick)
    keep_whole(rehearsal)
    return rehearsal


@contextmanager
def pause_writes(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Iterator[PausedWrites]:
    paused = PausedWrites()
    put: Callable[..., Any] = rehearsal.azure.subscription.put

    def put_later(*words: Any, **options: Any) -> Any:
        paused.reached.set()
        assert paused.resume.wait(60)
        if paused.fail:
            raise ProviderError("the engine was killed")
        return put(*words, **options)

    with monkeypatch.context() as patched:
        patched.setattr(rehearsal.azure.subscription, "put", put_later)
        try:
            yield paused
        finally:
            paused.resume.set()


def start_pulumi(rehearsal: Rehearsal, *words: str) -> subprocess.Popen[str]:
    """`pulumi WORDS` in another process."""
    return subprocess.Popen(
        [str(rehearsal.tools.engine), *words, "--stack", rehearsal.stack.name, "--non-interactive"],
        cwd=rehearsal.stack.project,
        env=rehearsal.stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def lock_suffixes(rehearsal: Rehearsal) -> list[str]:
    """The suffixes of the files that lock the stack."""
    files = (rehearsal.stack.folder / "state" / ".pulumi" / "locks").rglob("*.*")
    return [path.suffix for path in files]


def test_the_second_of_two_ups_is_refused_and_nothing_is_lost(
    existing: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pause_writes(existing, monkeypatch) as paused,
        start_pulumi(existing, "up", "--yes", "--skip-preview") as first,
    ):
        assert paused.reached.wait(60)
        resources, connections = list(existing.azure.subscription.resources), existing.datacentre.connections()
        for word in ("up", "destroy"):
            with pytest.raises(CommandFailedError, match=rf"currently locked by 1 lock\(s\)[^$]*pid {first.pid}\)"):
                existing.stack.run(word, "--yes", "--skip-preview", "--stack", "existing")
        assert existing.stack.preview()["changeSummary"]["create"] > 0, "a preview is allowed"
        assert list(existing.azure.subscription.resources) == resources
        assert existing.datacentre.connections() == connections
        paused.resume.set()
        printed, _ = first.communicate(timeout=120)
    assert first.returncode == 0, printed
    assert lock_suffixes(existing) == []
    assert existing.stack.up().changes == [], "the first run is complete in Azure and in the state"


def test_the_lock_of_a_killed_run_is_removed_by_pulumi_cancel_and_the_next_up_completes_its_work(
    existing: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind = LeftBehind()
    with (
        pause_writes(existing, monkeypatch) as paused,
        start_pulumi(existing, "up", "--yes", "--skip-preview") as first,
    ):
        assert paused.reached.wait(60)
        left_behind.note(first.pid)
        first.kill()
        first.communicate(timeout=60)
        paused.fail = True
    assert lock_suffixes(existing) == [".json"], "the kill left no half-written file beside the lock"
    with pytest.raises(CommandFailedError, match="currently locked by 1 lock"):
        existing.stack.up()
    existing.stack.run("cancel", "--yes", "existing")
    assert lock_suffixes(existing) == []
    existing.stack.up()
    assert existing.stack.up().changes == []
    left_behind.wait()
