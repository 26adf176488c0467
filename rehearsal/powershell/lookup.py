"""Which PowerShell runs the scripts on this computer: `pwsh` on PATH, else what the set-up put into .tools/pwsh.

Nothing else in the repository looks for one. Imports the standard library only, as the set-up asks here too.
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
STAMP = "installed.json"  # in PLACE: where the set-up took it from
PATIENCE = 30  # seconds; a first start on a busy computer takes a few
# The engine and its version are the same in a host of somebody's own; Microsoft's console host and its key are not.
QUESTION = (
    '"$($PSVersionTable.PSVersion)|$($PSVersionTable.GitCommitId)|'
    "$([AppDomain]::CurrentDomain.GetAssemblies() -match '^Microsoft\\.PowerShell\\.ConsoleHost,')\""
)
MICROSOFTS_KEY = "PublicKeyToken=31bf3856ad364e35"


class CannotStartError(Exception):
    """Why a program that is there does not run as PowerShell, in half a sentence."""


@dataclass(frozen=True)
class PowerShell:
    """A PowerShell that starts. `origin` is where it is from, for people."""

    path: Path
    version: str
    official: bool
    origin: str

    def describe(self) -> str:
        """For people; the word "real" is for official builds only."""
        kind = "real" if self.official else "not an official build"
        return f"{kind}: {self.version}, {self.origin}"


def find() -> PowerShell | None:
    """The one to use, or None. One that does not start is passed over, with a sentence on standard error."""
    return on_path() or installed()


def on_path() -> PowerShell | None:
    found = shutil.which("pwsh")
    return look_at(Path(found), f"on PATH: {found}", "another is looked for") if found else None


def installed() -> PowerShell | None:
    """The one in .tools/pwsh."""
    program = PLACE / "pwsh"
    remedy = "remove .tools/pwsh and run `make setup`"
    return look_at(program, stamp().get("origin", ".tools/pwsh"), remedy) if program.exists() else None


def stamp() -> dict[str, str]:
    """What the set-up wrote down of the PowerShell in .tools/pwsh; empty where it wrote nothing readable."""
    try:
        written = json.loads((PLACE / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def look_at(program: Path, origin: str, remedy: str) -> PowerShell | None:
    try:
        return ask(program, origin)
    except CannotStartError as error:
        print_warning("powershell", f"{program} does not start ({error}): {remedy}")
        return None


def ask(program: Path, origin: str, its_environment: Mapping[str, str] | None = None) -> PowerShell:
    """Starts the program once and lets it say what it is. Raises CannotStartError."""
    argv = [str(program), "-NoProfile", "-NonInteractive", "-Command", QUESTION]
    try:
        answer = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
            env=its_environment or {**os.environ, **environment()},
        )
    except subprocess.TimeoutExpired:
        raise CannotStartError(f"no answer within {PATIENCE} s") from None
    except OSError as error:
        raise CannotStartError(error.strerror or str(error)) from None
    said = re.search(r"^(\d\S*)\|(\S*)\|(.*)$", answer.stdout, re.MULTILINE)
    if answer.returncode != 0 or not said:
        lines = [*answer.stderr.splitlines(), *answer.stdout.splitlines()]
        first = next((line.strip() for line in lines if line.strip()), "it says nothing")
        raise CannotStartError(f"exit code {answer.returncode}: {first[:200]}")
    version, built_from, console_host = said.groups()
    # A release is built from its tag; a build from another commit names that.
    return PowerShell(program, version, MICROSOFTS_KEY in console_host and built_from == version, origin)


def environment() -> dict[str, str]:
    """What each start of PowerShell needs of the environment, beside PATH: what .NET is told here, and no telemetry."""
    told = {name: value for name, value in os.environ.items() if name.startswith("DOTNET_")}
    invariant = {} if has_icu() else {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    return {"POWERSHELL_TELEMETRY_OPTOUT": "1", **invariant, **told}


@functools.cache
def has_icu() -> bool:
    """Whether .NET finds the libraries for languages. Without them it starts only if it is told to do without."""
    return sys.platform != "linux" or ctypes.util.find_library("icuuc") is not None
