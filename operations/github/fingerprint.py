"""What a preview would change, and a fingerprint of it, by which a later preview is compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The engine's operations that change no resource.
UNCHANGED = frozenset({"same", "read", "refresh", "read-discard", "discard"})


class BadPreviewError(Exception):
    """The file is not the output of a successful `pulumi preview --json`; the text names it."""


def read_changing_steps(preview: Path) -> list[Mapping[str, Any]]:
    """The steps of a preview that change a resource. Raises BadPreviewError, also where the preview failed."""
    try:
        digest = json.loads(preview.read_text(encoding="utf-8"))
        digest["changeSummary"]
        # A failed preview has steps and a summary, too.
        if any(row["severity"] == "error" for row in digest.get("diagnostics") or []):
            raise ValueError("it failed")
        return [step for step in digest.get("steps") or [] if step["op"] not in UNCHANGED or switches_protection(step)]
    except OSError as error:
        raise BadPreviewError(f"{preview}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadPreviewError(
            f"{preview} is not the whole output of `pulumi preview --json`: run that, and see that it succeeds."
        ) from None


def fingerprint(steps: list[Mapping[str, Any]]) -> str:
    """The same for two previews that would do the same, in any order of the steps."""
    rows = sorted((comparable_part(step) for step in steps), key=json.dumps)
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def switches_protection(step: Mapping[str, Any]) -> bool:
    """The engine calls a step "same" that only switches `protect`."""
    old, new = (step.get(state) or {} for state in ("oldState", "newState"))
    return bool(new) and bool(old.get("protect")) != bool(new.get("protect"))


def comparable_part(step: Mapping[str, Any]) -> list[Any]:
    # Not the whole states: the order of dependencies varies, and outputs may have changed in Azure.
    states = [
        [state.get("inputs"), bool(state.get("protect"))]
        for state in (step.get("oldState") or {}, step.get("newState") or {})
    ]
    # The triggers that replace a command appear only among the reasons of its difference.
    reasons = {*(step.get("replaceReasons") or ()), *(step.get("diffReasons") or ())}
    return [step["urn"], step["op"], sorted(reasons), states]
