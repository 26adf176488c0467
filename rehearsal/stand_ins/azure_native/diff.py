"""What changed between two property bags, and what a change means for the resource."""

import re
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from typing import Any

from .wire import Json


class PropertyChange(Enum):
    ADDED = "ADD"
    DELETED = "DELETE"
    UPDATED = "UPDATE"


_PLAIN_KEY = re.compile(r"\w+")


def changes(old: Json, new: Json) -> dict[str, PropertyChange]:
    """Property path (`a.b[0].c`) to what happened there. azure-native's own notes (`__…`), the form of a location and
    the case of a resource group's name do not count."""
    return dict(_changes_in_object(_compared(old), _compared(new), ""))


def replacing(found: Mapping[str, PropertyChange], create_only: Collection[str]) -> list[str]:
    """The paths whose change needs a new resource: those at or below a create-only property."""
    return [path for path in found if top(path) in create_only]


def top(path: str) -> str:
    """The top-level property of a path."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def merged(inputs: Any, before: Any, after: Any) -> Any:
    """`inputs` with what changed from `before` to `after`: a refresh carries drift over and nothing else."""
    if before == after:
        return inputs
    if isinstance(inputs, list) and isinstance(before, list) and isinstance(after, list):
        known = min(len(inputs), len(before))
        return [merged(*entry) for entry in zip(inputs, before, after, strict=False)] + after[known:]
    if not (isinstance(inputs, dict) and isinstance(before, dict) and isinstance(after, dict)):
        return after
    kept = {key: value for key, value in inputs.items() if key in after or key not in before}
    drift = {
        key: merged(inputs[key], before[key], value) if key in inputs and key in before else value
        for key, value in after.items()
        if before.get(key) != value
    }
    return kept | drift


def _compared(bag: Json) -> Json:
    seen = {key: value for key, value in bag.items() if not key.startswith("__")}
    if isinstance(seen.get("location"), str):
        seen["location"] = seen["location"].replace(" ", "").lower()
    if isinstance(seen.get("resourceGroupName"), str):
        seen["resourceGroupName"] = seen["resourceGroupName"].lower()
    return seen


def _changes_in_object(old: Json, new: Json, base: str) -> Iterator[tuple[str, PropertyChange]]:
    for key in sorted(old.keys() | new.keys()):
        path = _joined(base, key)
        if key not in old:
            yield path, PropertyChange.ADDED
        elif key not in new:
            yield path, PropertyChange.DELETED
        else:
            yield from _changes_in_value(old[key], new[key], path)


def _changes_in_value(old: Any, new: Any, path: str) -> Iterator[tuple[str, PropertyChange]]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _changes_in_object(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from _changes_in_value(before, after, f"{path}[{index}]")
        for index in range(len(old), len(new)):
            yield f"{path}[{index}]", PropertyChange.ADDED
        for index in range(len(new), len(old)):
            yield f"{path}[{index}]", PropertyChange.DELETED
    elif old != new:
        yield path, PropertyChange.UPDATED


def _joined(base: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f'{base}["{key}"]'
    return f"{base}.{key}" if base else key
