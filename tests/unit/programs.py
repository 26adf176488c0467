"""Programs for the tests: shell scripts that answer as a real program does when it is asked for its version."""

from __future__ import annotations

from pathlib import Path

CONSOLE_HOST = "Microsoft.PowerShell.ConsoleHost, Version={}.500, Culture=neutral, PublicKeyToken=31bf3856ad364e35"


def write_program(path: Path, says: str = "") -> Path:
    return write_script(path, f"echo '{says}'")


def write_script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def official_answer(version: str = "7.4.12") -> str:
    """What a PowerShell from Microsoft's releases answers the lookup."""
    return f"{version}|{version}|{CONSOLE_HOST.format(version)}"


def custom_host_answer(version: str = "7.6.9") -> str:
    """What a PowerShell with a custom console host answers the lookup."""
    return f"{version}|{version}|"
