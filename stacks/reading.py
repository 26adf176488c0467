"""Reads plain data of a stack file into rows (`components.keys.args`), and reports all problems, not only the first.

A value that cannot be read is reported and becomes UNREAD, so that rules skip it. A key that is left out gets its
default. null gives a row with all its defaults, or None in a field whose type allows None.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from components.keys import Key, Secret
from stacks.plain_values import read_boolean, read_choice, read_number, read_text
from stacks.problems import MISSING, UNREAD, Report, build_row

# Ends of paths -> why this stack does not manage the setting (source: Microsoft's cmdlet reference).
NOT_MANAGED = {
    "autodiscover.internalUrl": "is a setting of Exchange 2010 only. Remove it.",
    "autodiscover.externalUrl": "is a setting of Exchange 2010 only. Remove it.",
    "oab.pollInterval": "is a setting of Exchange 2010 only. Remove it.",
    "isOutOfService": "is a setting of Exchange 2010 only. Remove it.",
    "rpcClientAccessServer": "is a setting of Exchange 2010 only. Remove it.",
    "ews.internalNLBBypassUrl": "must remain the server's own address, so the stack does not set it. Remove it.",
}


def to_camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


@cache
def keys_of(row: type) -> dict[str, tuple[Field[Any], Any, Key]]:
    """The stack file's keys of the row, in order -> field, resolved type, description and bounds."""
    hints = get_type_hints(row)
    return {to_camel_case(field.name): (field, hints[field.name], field.metadata["key"]) for field in fields(row)}


def unwrap_optional(hint: Any) -> Any:
    """T of `T | None` or `T | None | Derived`, else None."""
    if get_origin(hint) in (Union, types.UnionType):
        return next(kind for kind in get_args(hint) if kind is not type(None))
    return None


def is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def read_row(row: type, value: object, path: str, report: Report) -> Any:
    """A `row` with the values of the mapping `value`."""
    if not isinstance(value, Mapping):
        report(path, value, "Write a mapping of keys to values.")
        return UNREAD
    known = keys_of(row)
    for name in value.keys() - known.keys():
        report(join_path(path, name), MISSING, explain_unknown_key(join_path(path, name), known))
    parts: dict[str, Any] = {}
    for name, (field, hint, key) in known.items():
        if name in value:
            parts[field.name] = read_value(hint, key, value[name], join_path(path, name), report)
        elif is_required(field):
            report(join_path(path, name), MISSING, f"is missing. {key.description}")
            parts[field.name] = UNREAD
    return build_row(row, parts)


def join_path(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def explain_unknown_key(path: str, known: Iterable[str]) -> str:
    for end, remedy in NOT_MANAGED.items():
        if path.lower().endswith(end.lower()):
            return remedy
    near = get_close_matches(path.rpartition(".")[2], list(known), n=1)
    return "is not a key of this file. " + (f"Did you mean {near[0]}?" if near else "Remove it.")


def read_value(hint: Any, key: Key, value: object, path: str, report: Report) -> Any:
    inner = unwrap_optional(hint)
    if inner is not None:
        return None if value is None and not is_dataclass(inner) else read_value(inner, key, value, path, report)
    if hint is Secret:
        return read_secret(key, value, path, report)
    if is_dataclass(hint):
        return read_row(hint, {} if value is None else value, path, report)  # type: ignore[arg-type]
    if isinstance(value, Mapping) and value.keys() == {"secure"}:
        report(path, MISSING, "is encrypted, but this key is not a secret. Write it in plain text.")
        return UNREAD
    if get_origin(hint) is Mapping:
        return read_mapping(get_args(hint)[1], key, value, path, report)
    if get_origin(hint) is tuple:
        return read_list(get_args(hint)[0], key, value, path, report)
    if get_origin(hint) is Literal:
        return read_choice(get_args(hint), value, path, report)
    read_plain = {bool: read_boolean, int: read_number}.get(hint, read_text)
    return read_plain(key, value, path, report)


def read_secret(key: Key, value: object, path: str, report: Report) -> Any:
    """Passes the value on without reading it, so that no message can show it."""
    if value is None:
        report(path, MISSING, f"has no value. {key.description}")
        return UNREAD
    return value


def read_mapping(item: Any, key: Key, value: object, path: str, report: Report) -> Any:
    """An item that cannot be read becomes UNREAD, because rules may still need its name."""
    if not isinstance(value, Mapping):
        report(path, value, "Write a mapping of names to values.")
        return UNREAD
    return {str(name): read_value(item, key, part, join_path(path, name), report) for name, part in value.items()}


def read_list(item: Any, key: Key, value: object, path: str, report: Report) -> Any:
    if not isinstance(value, list | tuple):
        report(path, value, "Write a list.")
        return UNREAD
    fewest, most = key.bounds.get("minItems", 0), key.bounds.get("maxItems", len(value))
    items = tuple(read_value(item, key, part, f"{path}[{index}]", report) for index, part in enumerate(value))
    if not fewest <= len(value) <= most:
        report(path, value, f"Write {fewest} to {most} items." if value else "Write at least one item.")
        return UNREAD
    return UNREAD if any(part is UNREAD for part in items) else items
