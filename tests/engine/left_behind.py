"""Processes that outlive a killed engine: a real language host notices the engine's death up to 30 s later."""

from __future__ import annotations

import psutil

END_SECONDS = 120


class LeftBehind:
    """Notes processes before the kill, and waits for their end when the test is over."""

    def __init__(self) -> None:
        self._processes: list[psutil.Process] = []

    def note(self, id: int) -> None:
        """Remembers every descendant of this process."""
        self._processes += psutil.Process(id).children(recursive=True)

    def wait(self) -> None:
        _, alive = psutil.wait_procs(self._processes, END_SECONDS)
        assert alive == []
