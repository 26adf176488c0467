"""An event loop whose timers nobody has to wait for: its clock stands still, and goes on when only timers are left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

STEP_SECONDS = 0.25
# Turns of the loop in which all that a timer sets off has happened.
TURNS = 50
LOOK_SECONDS = 0.005
# What takes longer hangs: on the clock that stands still, and on the one at the wall.
LONGEST_SECONDS, LONGEST_PATIENCE = 3600, 120


class StandingLoop(asyncio.SelectorEventLoop):
    """Its `time()` is told by `now` alone."""

    now = 0.0

    def time(self) -> float:
        return self.now


@dataclass(kw_only=True)
class StandingClock:
    """Runs coroutines as `asyncio.run` does. `only_timers` is asked in the loop; `seconds` have passed in the end.

    However slow the computer is, nothing that still works towards its answer can be too late.
    """

    only_timers: Callable[[], bool]
    seconds: float = 0.0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        loop = StandingLoop()

        async def watched() -> T:
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
            found = runner.run(watched())
        self.seconds = loop.now
        return found


def running(function: Callable[..., object]) -> int:
    """How many tasks of this loop are calls of a coroutine function that have not ended."""
    codes = (getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks())
    return sum(code is function.__code__ for code in codes)
