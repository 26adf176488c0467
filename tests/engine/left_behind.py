"""What a killed engine leaves running: a real language host notices it up to half a minute later."""

from __future__ import annotations

import psutil

SECONDS = 120


class LeftBehind:
    """Processes by their ids, noted before the kill and waited for at the end, when most of the time is over."""

    def __init__(self) -> None:
        self._processes: list[psutil.Process] = []

    def note(self, id: int) -> None:
        """All that this process has started."""
        self._processes += psutil.Process(id).children(recursive=True)

    def wait(self) -> None:
        _, alive = psutil.wait_procs(self._processes, SECONDS)
        assert alive == []
