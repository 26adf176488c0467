"""Programs for the tests: shell scripts that say what a real program would say when it is asked what it is."""

from __future__ import annotations

from pathlib import Path

CONSOLE_HOST = "Microsoft.PowerShell.ConsoleHost, Version={}.500, Culture=neutral, PublicKeyToken=31bf3856ad364e35"


def program(path: Path, says: str = "") -> Path:
    return script(path, f"echo '{says}'")


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def official(version: str = "7.4.12") -> str:
    """What a PowerShell of Microsoft's releases answers to the lookup's question."""
    return f"{version}|{version}|{CONSOLE_HOST.format(version)}"


def small_host(version: str = "7.6.9") -> str:
    """The same engine behind a console host of somebody's own."""
    return f"{version}|{version}|"
