"""What a restart does to a server's Windows, and how its scheduled tasks end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
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
    if not task.get("pid"):
        return
    ours = ["pgrep", "-g", str(task["pid"]), "-f", "Invoke-OnServer.ps1|rehearsal.stand_ins"]
    if subprocess.run(ours, stdout=subprocess.DEVNULL, check=False).returncode == 0:
        with suppress(ProcessLookupError):
            os.killpg(task["pid"], signal.SIGKILL)
