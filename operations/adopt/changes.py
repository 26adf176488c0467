"""What the next `up` would change of an adopted resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operations.review.preview import AFTER_THE_RUN, is_unknown


@dataclass(frozen=True, kw_only=True)
class AdoptionChange:
    """One setting in Azure, and after the next `up`."""

    setting: str
    now: str
    then: str


def list_changes(step: Mapping[str, Any]) -> Iterator[AdoptionChange]:
    """`step` as `pulumi preview --json` has it."""
    now = step.get("oldState", {}).get("inputs", {})
    then = step.get("newState", {}).get("inputs", {})
    # A changed entry of a list shows the whole list.
    paths = [path.partition("[")[0] for path in step.get("detailedDiff") or step.get("diffReasons") or ()]
    for setting in dict.fromkeys(paths):
        now_text, then_text = (format_setting(read_path(inputs, setting)) for inputs in (now, then))
        yield AdoptionChange(setting=setting, now=now_text, then=then_text)


def read_path(inputs: Any, path: str) -> Any:
    for key in path.split("."):
        inputs = inputs.get(key) if isinstance(inputs, dict) else None
    return inputs


def format_setting(value: object) -> str:
    """A short text for a table: the addresses of a record set, JSON for anything deeper."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return AFTER_THE_RUN if is_unknown(value) else value
    if isinstance(value, list):
        entries = [next(iter(one.values())) if isinstance(one, dict) and len(one) == 1 else one for one in value]
        return ", ".join(map(format_setting, entries)) or "nothing"
    return json.dumps(replace_unknown(value), ensure_ascii=False)


def replace_unknown(value: Any) -> Any:
    """Replaces the engine's marks for values that are known only after the run by words."""
    if isinstance(value, dict):
        return {key: replace_unknown(part) for key, part in value.items()}
    if isinstance(value, list):
        return [replace_unknown(part) for part in value]
    return AFTER_THE_RUN if is_unknown(value) else value
