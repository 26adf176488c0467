"""What the parts of `make setup` share. They run before the virtual environment exists: standard library only."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = REPOSITORY / ".tools"


def print_progress(part: str, text: str) -> None:
    """One line of progress, flushed: several parts run at the same time."""
    sys.stdout.write(f"{part}: {text}\n")
    sys.stdout.flush()


def print_warning(part: str, text: str) -> None:
    """One line on standard error: something is missing, and the set-up continues without it."""
    sys.stderr.write(f"{part}: {text}\n")
    sys.stderr.flush()
