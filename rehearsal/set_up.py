"""What the parts of the set-up share. They run before the virtual environment exists: standard library only."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = REPOSITORY / ".tools"


def say(part: str, text: str) -> None:
    """One line of progress, at once, though several parts run side by side."""
    sys.stdout.write(f"{part}: {text}\n")
    sys.stdout.flush()


def warn(part: str, text: str) -> None:
    """One line on standard error: something is missing, and the work goes on without it."""
    sys.stderr.write(f"{part}: {text}\n")
    sys.stderr.flush()
