"""The files of values from before the project, as the scripts read them: whole and of this server, or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.stand_ins.exit_codes import FAILURE, FailedError

NAMESPACE, FIREWALL = "original values", "the firewall's original values"


def read(file: Path, *, what: str, server: str) -> dict[str, Any]:
    """Raises FailedError."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        kept = None
    owner = kept.get("server") if isinstance(kept, dict) else None
    if not isinstance(kept, dict) or not isinstance(owner, str):
        raise refused(file, "cannot be understood", what=what, server=server)
    if owner.upper() != server:
        raise refused(file, f"is of {owner}, not of {server}", what=what, server=server)
    return kept


def write(file: Path, *, server: str, values: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"server": server, **values}, indent=2), encoding="utf-8")


def refused(file: Path, problem: str, *, what: str, server: str) -> FailedError:
    return FailedError(
        FAILURE,
        f"The file of {what} of {server} ({file}) {problem}. Nothing was changed. Put it back from a backup; or delete "
        f"it, where the present values may count as the {what} (a server made from another one's image, for one), and "
        "run this again.",
    )
