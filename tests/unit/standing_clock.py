"""An event loop that never waits for its timers: its clock moves only when nothing but timers is left to wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

STEP_SECONDS = 0.25
# Turns of the loop that are enough for everything that a timer starts.
TURNS = 50
LOOK_SECONDS = 0.005
# Work that takes longer hangs: by the loop's clock, and by the real one.
LONGEST_SECONDS, LONGEST_PATIENCE = 3600, 120


class StandingLoop(asyncio.SelectorEventLoop):
    """`now` is its time."""

    now = 0.0

    def time(self) -> float:
        return self.now


@dataclass(kw_only=True)
class StandingClock:
    """Runs coroutines as `asyncio.run` does.

    `only_timers` says, in the loop, whether the clock may move. `seconds` is the loop's time at the end. Work in
    progress never meets a time-out, even on a slow computer.
    """

    only_timers: Callable[[], bool]
    seconds: float = 0.0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        loop = StandingLoop()

        async def run_to_end() -> T:
            task = asyncio.ensure_future(work)
            end = time.monotonic() + LONGEST_PATIENCE
            while not task.done():
                if loop.now > LONGEST_SECONDS or time.monotonic() > end:
                    raise AssertionError(f"after {loop.now} s of timers it has not ended: {asyncio.all_tasks()}")
                if self.only_timers():
                    loop.now += STEP_SECONDS
                    for _ in range(TURNS):
                        await asyncio.sleep(0)
                else:
                    await asyncio.to_thread(time.sleep, LOOK_SECONDS)
            return task.result()

        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            found = runner.run(run_to_end())
        self.seconds = loop.now
        return found


def count_running(function: Callable[..., object]) -> int:
    """The number of this loop's tasks that run this coroutine function."""
    codes = (getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks())
    return sum(code is function.__code__ for code in codes)
