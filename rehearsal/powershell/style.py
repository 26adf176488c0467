"""Checks the style of every PowerShell file in the repository: `python -m rehearsal.powershell.style`.

PowerShell does the work (Find-StyleFault.ps1). Where none is found, one line says that the files were not checked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rehearsal.powershell import lookup
from rehearsal.set_up import REPOSITORY, print_progress

CHECK = Path(__file__).with_name("Find-StyleFault.ps1")
FOLDERS = ("components", "rehearsal", "tests")
ANALYZER = "PSScriptAnalyzer: "


class CheckFailedError(Exception):
    """PowerShell did not complete the check; the text is what it printed."""


def main() -> int:
    """Prints the faults and returns the exit code: 1 if there are any."""
    powershell = lookup.locate_powershell()
    if powershell is None:
        print_progress("powershell", "not found, so the style of the PowerShell files was not checked")
        return 0
    files = powershell_files()
    faults, analyzer = find_faults(powershell.path, files)
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    print_progress("powershell", f"{len(files)} files checked, {len(faults)} faults; {ANALYZER}{analyzer}")
    return 1 if faults else 0


def powershell_files() -> list[Path]:
    return sorted(
        file.relative_to(REPOSITORY) for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.ps[m1]*")
    )


def find_faults(pwsh: Path, files: list[Path]) -> tuple[list[str], str]:
    """The faults, "file:line: rule: text" each, and whether PSScriptAnalyzer ran. Raises CheckFailedError."""
    argv = [str(pwsh), "-NoProfile", "-NonInteractive", "-File", str(CHECK), *map(str, files)]
    environment = {**os.environ, **lookup.powershell_environment()}
    check = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, cwd=REPOSITORY)
    lines = check.stdout.splitlines()
    if check.returncode != 0 or check.stderr or not lines or not lines[-1].startswith(ANALYZER):
        raise CheckFailedError(f"{CHECK.name} ended with {check.returncode}: {check.stderr or check.stdout}")
    return lines[:-1], lines[-1].removeprefix(ANALYZER)


if __name__ == "__main__":
    sys.exit(main())
