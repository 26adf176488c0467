"""`pulumi`, run where everybody sees what it does; and the locks that a killed run leaves behind."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from operations.stack import StackError

LOCK = re.compile(r"created by (?P<user>\S*)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<at>\S+)")
# What Pulumi Cloud and a backend of one's own say of a stack that is in use.
# The last: a lock that was half written.
IN_USE = ("currently locked by", "Another update is currently in progress", "unexpected end of JSON input")
# No run of a lab takes this long; its lock on another computer is of a run that was killed.
STALE = timedelta(hours=4)


class InUseError(StackError):
    """Another run holds the stack, or held it when it was killed; the text is what `pulumi` said."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Who locked a stack, as the backend tells."""

    user: str
    host: str
    pid: int
    at: datetime

    def stands(self, now: datetime) -> bool:
        """Whether the run that made it may still be going on."""
        if self.host != socket.gethostname():
            return now - self.at < STALE
        try:
            process = psutil.Process(self.pid)
            started = datetime.fromtimestamp(process.create_time(), UTC)
            # A number is used again by another process some day; a clock may be set by some seconds.
            return process.status() != psutil.STATUS_ZOMBIE and started <= self.at + timedelta(minutes=1)
        except psutil.NoSuchProcess:
            return False

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, process {self.pid}, since {self.at:%Y-%m-%d %H:%M} UTC"


def locks(text: str) -> list[Lock]:
    """The locks that an answer of `pulumi` names; Pulumi Cloud names none."""
    return [
        Lock(
            user=found["user"],
            host=found["host"],
            pid=int(found["pid"]),
            at=datetime.fromisoformat(found["at"]).astimezone(UTC),
        )
        for found in LOCK.finditer(text)
    ]


def run(*words: str, cwd: Path | None, environment: Mapping[str, str]) -> None:
    """One `pulumi` command that takes its time, with all that it prints. Raises StackError, InUseError."""
    try:
        process = subprocess.Popen(
            ["pulumi", *words, "--non-interactive"],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=None,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError:
        raise StackError("pulumi is not on the PATH. Install Pulumi (or run: make setup).") from None
    with process:
        said = ended(process)
    if process.returncode == 0:
        return
    if any(words in said for words in IN_USE):
        raise InUseError(said.strip())
    raise StackError(f"pulumi {' '.join(words)} ended with {process.returncode}.")


def ended(process: subprocess.Popen[str]) -> str:
    """What it said on standard error, passed on line by line. Ctrl-C reaches it too: it is given time to end."""
    said = []
    try:
        for line in process.stderr or ():
            said.append(line)
            # A lock is spoken of by whoever judges it.
            if not LOCK.search(line) and not any(words in line for words in IN_USE):
                sys.stderr.write(line)
    except KeyboardInterrupt:
        process.wait()
        raise
    return "".join(said)


def say(text: str) -> None:
    """To whoever watches, beside what `pulumi` prints."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """The same on standard error: what is asked for stays readable by programs."""
    sys.stderr.write(f"{text}\n")
