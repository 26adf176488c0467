"""Old inputs against new inputs: the provider knows no other difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pulumi.runtime.proto import provider_pb2 as pb

from rehearsal.stand_ins.command import values
from rehearsal.stand_ins.command.check import InputRecord
from rehearsal.stand_ins.command.values import Properties

_REPLACING: dict[pb.PropertyDiff.Kind.ValueType, pb.PropertyDiff.Kind.ValueType] = {
    pb.PropertyDiff.ADD: pb.PropertyDiff.ADD_REPLACE,
    pb.PropertyDiff.DELETE: pb.PropertyDiff.DELETE_REPLACE,
    pb.PropertyDiff.UPDATE: pb.PropertyDiff.UPDATE_REPLACE,
}


def diff(record: InputRecord, old: Properties, new: Properties) -> pb.DiffResponse:
    """Each change by its path; a change of a whole `triggers` list replaces, any other updates."""
    changes = dict(_changes(old, new))
    replaces = [path for path in changes if path in record.fields and record.fields[path].replaces]
    changes |= {path: _REPLACING[changes[path]] for path in replaces}
    return pb.DiffResponse(
        changes=pb.DiffResponse.DIFF_SOME if changes else pb.DiffResponse.DIFF_NONE,
        # Whole properties: a trigger is named by its place in the details alone.
        diffs=sorted({re.split(r"[.\[]", path)[0] for path in changes}),
        replaces=sorted(replaces),
        detailedDiff={path: pb.PropertyDiff(kind=kind) for path, kind in changes.items()},
        hasDetailedDiff=True,
    )


def unsettles(record: InputRecord, old: Properties, new: Properties) -> bool:
    """Whether an update from the state `old` to the inputs `new` has outputs that a preview cannot know.

    An input that is added does not unsettle them, unless it is unknown: the provider looks at what it had before.
    """
    return any(
        new.get(name) == values.UNKNOWN or (name in old and not values.equal(old[name], new.get(name)))
        for name in record.fields
    )


def _changes(
    old: Properties, new: Properties, prefix: str = ""
) -> Iterator[tuple[str, pb.PropertyDiff.Kind.ValueType]]:
    for name in sorted(old.keys() | new.keys()):
        path = f"{prefix}{name}"
        if name not in old:
            yield path, pb.PropertyDiff.ADD
        elif name not in new:
            yield path, pb.PropertyDiff.DELETE
        else:
            yield from _changed(path, old[name], new[name])


def _changed(path: str, old: Any, new: Any) -> Iterator[tuple[str, pb.PropertyDiff.Kind.ValueType]]:
    if values.equal(old, new):
        return
    marked = values.is_marked(old) or values.is_marked(new)
    if isinstance(old, dict) and isinstance(new, dict) and not marked:
        yield from _changes(old, new, f"{path}.")
    elif isinstance(old, list) and isinstance(new, list):
        yield from _changes(_by_index(path, old), _by_index(path, new))
    else:
        yield path, pb.PropertyDiff.UPDATE


def _by_index(path: str, items: list[Any]) -> Properties:
    return {f"{path}[{index}]": item for index, item in enumerate(items)}
