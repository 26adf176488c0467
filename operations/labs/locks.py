"""`pulumi up` and `pulumi destroy`, and the stack locks that a killed run leaves behind."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from operations.stack import StackError

# Pulumi reports a lock on standard error only, also with --json. A backend of files or blobs names the holder.
HOLDER = re.compile(r"created by \S*@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
# Of a self-managed backend, of Pulumi Cloud, and of a lock file that a kill left half written.
LOCKED = ("currently locked by", "Another update is currently in progress", "unexpected end of JSON input")
# No run of a lab takes longer, so an older lock of another computer belongs to a run that was killed.
LONGEST_RUN = timedelta(hours=4)


class StackLockedError(StackError):
    """Another run holds the stack's lock, or was killed while it held it; the text is Pulumi's."""


def find_running_holders(message: str, now: datetime) -> list[str]:
    """The holders in Pulumi's message whose run may go on; the whole message where it names none (Pulumi Cloud)."""
    holders = list(HOLDER.finditer(message))
    return [holder[0] for holder in holders if may_be_running(**holder.groupdict(), now=now)] if holders else [message]


def may_be_running(*, host: str, pid: str, since: str, now: datetime) -> bool:
    locked = datetime.fromisoformat(since).astimezone(UTC)
    if host != socket.gethostname():
        return now - locked < LONGEST_RUN
    try:
        process = psutil.Process(int(pid))
        started = datetime.fromtimestamp(process.create_time(), UTC)
        # A process that started after the lock has reused the number; a minute allows for a corrected clock.
        return process.status() != psutil.STATUS_ZOMBIE and started <= locked + timedelta(minutes=1)
    except psutil.NoSuchProcess:
        return False


def run_update(*words: str, cwd: Path, environment: Mapping[str, str]) -> None:
    """Runs one long command, whose progress goes to standard output. Raises StackError, StackLockedError."""
    with subprocess.Popen(
        ["pulumi", *words, "--non-interactive"],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            _, errors = process.communicate()
        except KeyboardInterrupt:
            # Ctrl-C has reached Pulumi too, which now writes its state.
            process.wait()
            raise
    if process.returncode and any(text in errors for text in LOCKED):
        raise StackLockedError(errors.strip())
    sys.stderr.write(errors)
    if process.returncode:
        raise StackError(f"pulumi {' '.join(words)} ended with {process.returncode}.")
