"""The Windows of a machine that is new, and what a restart does to it."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.windows_state import change_state, read_state

NET_KEY = r"HKLM:\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
VERSION_KEY = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
# Build -> the value Release of the .NET Framework that Windows brings along.
NET_RELEASES = {9200: 378389, 9600: 378675, 14393: 394802, 17763: 461814, 20348: 528449, 26100: 533509}

# Exchange -> the Windows that Microsoft supports for it, and that the stack's default image has where there is one.
BUILDS = {"2013": 9600, "2016": 14393, "2019": 17763, "SE": 26100}


def new_windows(build: int, *, domain: str | None, core: bool = False) -> dict[str, Any]:
    """The state of a new Windows Server, joined to `domain` if there is one. KeyError for an unknown build."""
    version = {"InstallationType": "Server Core" if core else "Server", "UBR": 4000}
    return {
        "build": build,
        "core": core,
        "domain": domain,
        "registry": {NET_KEY: {"Release": NET_RELEASES[build]}, VERSION_KEY: version},
    }


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
    """With what it started: each task has a process group of its own."""
    if task.get("pid"):
        with suppress(ProcessLookupError):
            os.killpg(task["pid"], signal.SIGKILL)
