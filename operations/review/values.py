"""Values as a preview has them, and as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from operations.review.preview import is_unknown

# Where a value would stand that only the run will tell.
AFTER_THE_RUN = "known after the run"
# What is shown of a value that is cleared.
NONE = "none"


def parsed(text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def plain(value: object) -> str:
    if is_unknown(value):
        return AFTER_THE_RUN
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


def spelled(values: Sequence[str]) -> str:
    """a, b and c."""
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} and {values[-1]}" if values else ""
