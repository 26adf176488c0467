"""Finds the PowerShell that runs the scripts on this computer: `pwsh` on PATH, else the one in .tools/pwsh.

The only place that looks for one. Imports the standard library only, because the set-up uses it.
"""

from __future__ import annotations

import ctypes.util
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal.set_up import TOOLS, print_warning

PLACE = TOOLS / "pwsh"
STAMP = "installed.json"  # in PLACE: from where the set-up installed it
START_SECONDS = 30  # a first start on a busy computer takes a few seconds
# Prints version|commit|assembly. Other hosts have the same engine and version, but not Microsoft's console host.
IDENTIFY = (
    '"$($PSVersionTable.PSVersion)|$($PSVersionTable.GitCommitId)|'
    "$([AppDomain]::CurrentDomain.GetAssemblies() -match '^Microsoft\\.PowerShell\\.ConsoleHost,')\""
)
MICROSOFTS_KEY = "PublicKeyToken=31bf3856ad364e35"


class CannotStartError(Exception):
    """A program does not run as PowerShell; the text is the reason, without a full stop."""


@dataclass(frozen=True)
class PowerShell:
    """A PowerShell that starts. `origin` says where it came from, for people."""

    path: Path
    version: str
    official: bool
    origin: str

    def describe(self) -> str:
        """For people; the word "real" is for official builds only."""
        kind = "real" if self.official else "not an official build"
        return f"{kind}: {self.version}, {self.origin}"


def locate_powershell() -> PowerShell | None:
    """The PowerShell to use, or None. Skips one that does not start, with a sentence on standard error."""
    return find_on_path() or find_installed()


def find_on_path() -> PowerShell | None:
    pwsh = shutil.which("pwsh")
    return try_powershell(Path(pwsh), f"on PATH: {pwsh}", "another is looked for") if pwsh else None


def find_installed() -> PowerShell | None:
    """The one in .tools/pwsh."""
    program = PLACE / "pwsh"
    remedy = "remove .tools/pwsh and run `make setup`"
    return try_powershell(program, read_stamp().get("origin", ".tools/pwsh"), remedy) if program.exists() else None


def read_stamp() -> dict[str, str]:
    """What the set-up recorded about .tools/pwsh: origin and key. Empty if there is no readable record."""
    try:
        written = json.loads((PLACE / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def try_powershell(program: Path, origin: str, remedy: str) -> PowerShell | None:
    try:
        return inspect_powershell(program, origin)
    except CannotStartError as error:
        print_warning("powershell", f"{program} does not start ({error}): {remedy}")
        return None


def inspect_powershell(program: Path, origin: str, its_environment: Mapping[str, str] | None = None) -> PowerShell:
    """Starts the program once and reads its version and kind. Raises CannotStartError."""
    argv = [str(program), "-NoProfile", "-NonInteractive", "-Command", IDENTIFY]
    try:
        answer = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=START_SECONDS,
            check=False,
            env=its_environment or {**os.environ, **powershell_environment()},
        )
    except subprocess.TimeoutExpired:
        raise CannotStartError(f"no answer within {START_SECONDS} s") from None
    except OSError as error:
        raise CannotStartError(error.strerror or str(error)) from None
    answered = re.search(r"^(\d\S*)\|(\S*)\|(.*)$", answer.stdout, re.MULTILINE)
    if answer.returncode != 0 or not answered:
        lines = [*answer.stderr.splitlines(), *answer.stdout.splitlines()]
        first = next((line.strip() for line in lines if line.strip()), "it says nothing")
        raise CannotStartError(f"exit code {answer.returncode}: {first[:200]}")
    version, built_from, console_host = answered.groups()
    # A release is built from its tag; a build from another commit names that.
    return PowerShell(program, version, MICROSOFTS_KEY in console_host and built_from == version, origin)


def powershell_environment() -> dict[str, str]:
    """The variables that each start of PowerShell needs beside PATH: settings of .NET, and no telemetry."""
    set_by_user = {name: value for name, value in os.environ.items() if name.startswith("DOTNET_")}
    invariant = {} if has_icu() else {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    return {"POWERSHELL_TELEMETRY_OPTOUT": "1", **invariant, **set_by_user}


@functools.cache
def has_icu() -> bool:
    """Whether .NET finds the ICU libraries. Without them it starts only in invariant mode."""
    return sys.platform != "linux" or ctypes.util.find_library("icuuc") is not None
