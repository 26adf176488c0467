"""What changed between two sets of properties, in the form of the engine's detailed differences."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff

from rehearsal.stand_ins.provider.values import Properties, are_equal, is_marked

Kind: TypeAlias = "PropertyDiff.Kind.ValueType"
Changes = dict[str, Kind]  # property path (`a.b[0].c`) -> ADD, DELETE or UPDATE

_PLAIN_KEY = re.compile(r"\w+", re.ASCII)


def find_changes(old: Properties, new: Properties) -> Changes:
    return dict(_compare_objects(old, new, ""))


def top_level(path: str) -> str:
    """The top-level property of a path."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def describe_changes(changes: Mapping[str, Kind], replaces: Collection[str], *, of_inputs: bool) -> DiffResponse:
    """`replaces`: the paths whose change needs a new resource."""
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME if changes else DiffResponse.DIFF_NONE,
        diffs=sorted({top_level(path) for path in changes}),
        replaces=sorted(replaces),
        detailedDiff={
            path: PropertyDiff(kind=_replacing(kind) if path in replaces else kind, inputDiff=of_inputs)
            for path, kind in changes.items()
        },
        hasDetailedDiff=True,
    )


def _replacing(kind: Kind) -> Kind:
    return PropertyDiff.Kind.Value(f"{PropertyDiff.Kind.Name(kind)}_REPLACE")


def _compare_objects(old: Properties, new: Properties, base: str) -> Iterator[tuple[str, Kind]]:
    for key in sorted(old.keys() | new.keys()):
        path = _join(base, key)
        if key not in old:
            yield path, PropertyDiff.ADD
        elif key not in new:
            yield path, PropertyDiff.DELETE
        else:
            yield from _compare_values(old[key], new[key], path)


def _compare_values(old: Any, new: Any, path: str) -> Iterator[tuple[str, Kind]]:
    if are_equal(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and not is_marked(old) and not is_marked(new):
        yield from _compare_objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from _compare_values(before, after, f"{path}[{index}]")
        kind = PropertyDiff.ADD if len(new) > len(old) else PropertyDiff.DELETE
        for index in range(min(len(old), len(new)), max(len(old), len(new))):
            yield f"{path}[{index}]", kind
    else:
        yield path, PropertyDiff.UPDATE


def _join(base: str, key: str) -> str:
    """As the Go SDK of Pulumi writes a path: keys with other characters than letters, digits and _ in brackets."""
    if not _PLAIN_KEY.fullmatch(key):
        escaped = key.replace('"', '\\"')
        return f'{base}["{escaped}"]'
    return f"{base}.{key}" if base else key
