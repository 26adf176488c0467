"""What a preview would change, told so shortly that two previews can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Words of the engine for "nothing happens to this resource".
UNCHANGED = frozenset({"same", "read", "refresh", "read-discard", "discard"})


class NoPreviewError(Exception):
    """The file is not the output of `pulumi preview --json`; the text names it."""


def changing_steps(preview: Path) -> list[Mapping[str, Any]]:
    """The steps of a preview's digest that change a resource. Raises NoPreviewError, also for a preview that failed."""
    try:
        digest = json.loads(preview.read_text(encoding="utf-8"))
        digest["changeSummary"]
        # A preview that failed has steps and a summary, too.
        if any(said["severity"] == "error" for said in digest.get("diagnostics") or []):
            raise ValueError("it failed")
        return [step for step in digest.get("steps") or [] if step["op"] not in UNCHANGED or turned(step)]
    except OSError as error:
        raise NoPreviewError(f"{preview}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoPreviewError(
            f"{preview} is not the whole output of `pulumi preview --json`: run that, and see that it succeeds."
        ) from None


def fingerprint(steps: list[Mapping[str, Any]]) -> str:
    """The same for two previews that would do the same, in whatever order the engine met the resources."""
    told = sorted((told_of(step) for step in steps), key=json.dumps)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def turned(step: Mapping[str, Any]) -> bool:
    """Whether its protection is switched, which the engine calls no change of the resource."""
    old, new = (step.get(state) or {} for state in ("oldState", "newState"))
    return bool(new) and bool(old.get("protect")) != bool(new.get("protect"))


def told_of(step: Mapping[str, Any]) -> list[Any]:
    # Not the whole states: dependencies come in another order each time, and outputs are what Azure said meanwhile.
    states = [
        [state.get("inputs"), bool(state.get("protect"))]
        for state in (step.get("oldState") or {}, step.get("newState") or {})
    ]
    # What replaces a command is among the reasons of its difference only.
    reasons = {*(step.get("replaceReasons") or ()), *(step.get("diffReasons") or ())}
    return [step["urn"], step["op"], sorted(reasons), states]
