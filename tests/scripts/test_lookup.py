"""What the lookup asks a PowerShell, answered by the one that runs the scripts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from rehearsal.powershell import lookup


def ask_powershell(pwsh: str, *options: str) -> str:
    environment = {**os.environ, **lookup.powershell_environment()}
    done = subprocess.run([pwsh, *options], capture_output=True, text=True, timeout=60, check=True, env=environment)
    return done.stdout.strip()


def test_the_lookup_reads_the_version_of_powershell_and_whether_microsoft_built_it(pwsh: str) -> None:
    found = lookup.inspect_powershell(Path(pwsh), "here")
    assert f"PowerShell {found.version}" == ask_powershell(pwsh, "-Version")
    home = Path(ask_powershell(pwsh, "-NoProfile", "-NonInteractive", "-Command", "$PSHOME"))
    console_host = home / "Microsoft.PowerShell.ConsoleHost.dll"  # Microsoft's, and missing from other hosts
    assert found.official == console_host.exists()
