"""What a restart does to a server's Windows, and how its scheduled tasks end."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.windows_state import change_state, read_state


def wants_restart(root: Path) -> bool:
    """Whether a script has asked for a restart."""
    return bool(read_state(root).get("restartRequested"))


def restart_windows(root: Path) -> None:
    """Ends the processes of tasks; marks of a pending restart, mounted images and locked servicing are gone then."""
    end_tasks(root)
    state = read_state(root)
    for mount in state.get("mounts", {}).values():
        shutil.rmtree(root / mount["letter"], ignore_errors=True)
    gone: dict[str, Any] = {"pendingMarks": [], "mounts": {}, "servicing": None, "processes": []}
    change_state(root, **gone, restartRequested=False, boots=int(state.get("boots", 0)) + 1)


def end_tasks(root: Path) -> None:
    """What a machine that stops does to its scheduled tasks."""
    for task in read_state(root).get("tasks", {}).values():
        kill_task(task)


def kill_task(task: dict[str, Any]) -> None:
    """With what it started: each task has a process group of its own.

    A state file may be older than the computer's last start: a group in which no process of a rehearsal runs is left
    alone.
    """
    group = task.get("pid")
    if group and any(map(is_ours, list_members(group))):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def list_members(group: int) -> Iterator[Path]:
    """The folders in /proc of a process group; WindowsTasks.ps1 needs /proc, too."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getpgid(int(folder.name)) == group:
                yield folder


def is_ours(process: Path) -> bool:
    with suppress(OSError):
        command = (process / "cmdline").read_bytes()
        return b"Invoke-OnServer.ps1" in command or b"rehearsal.stand_ins" in command
    return False
