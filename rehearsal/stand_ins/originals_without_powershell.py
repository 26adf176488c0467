"""The files with a server's original values. As the scripts do, refuses a damaged file and another server's file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.script_results import FAILURE, FailedError

NAMESPACE, FIREWALL = "original values", "the firewall's original values"


def read_originals(file: Path, *, what: str, server: str) -> dict[str, Any]:
    """Raises FailedError."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        kept = None
    owner = kept.get("server") if isinstance(kept, dict) else None
    if not isinstance(kept, dict) or not isinstance(owner, str):
        raise refuse_originals(file, "is damaged", what=what, server=server)
    if owner.upper() != server:
        raise refuse_originals(file, f"belongs to {owner}, not to {server}", what=what, server=server)
    return kept


def write_originals(file: Path, *, server: str, values: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"server": server, **values}, indent=2), encoding="utf-8")


def refuse_originals(file: Path, problem: str, *, what: str, server: str) -> FailedError:
    return FailedError(
        FAILURE,
        f"The file of {what} of {server} ({file}) {problem}. Nothing was changed. Restore it from a backup. If "
        f"the present values may count as the {what}, as on a server made from another one's image, delete it. Then "
        "run this again.",
    )
