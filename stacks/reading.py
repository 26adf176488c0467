"""Reads plain stack data into rows (`components.keys.args`), collecting every problem, not stopping at the first."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING as MISSING
from dataclasses import Field, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from components.keys import Key, Secret

# Ends of paths that name a setting of Exchange 2010 which newer versions have not (Microsoft's cmdlet reference).
ONLY_IN_2010 = (
    "autodiscover.internalUrl",
    "autodiscover.externalUrl",
    "ews.internalNLBBypassUrl",
    "oab.pollInterval",
    "isOutOfService",
    "rpcClientAccessServer",
)


@dataclass(frozen=True)
class Problem:
    """One mistake in a stack file: which key, its value, what is wrong and what to write."""

    key: str
    value: object
    remedy: str

    def __str__(self) -> str:
        shown = "" if self.value is MISSING else f" = {self.value!r}"
        return f"{self.key}{shown}: {self.remedy}"


Report = Callable[[str, object, str], None]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


@cache
def keys_of(row: type) -> dict[str, tuple[Field[Any], Any, Key]]:
    """The row's stack-file keys, in order: field, resolved type, documentation."""
    hints = get_type_hints(row)
    return {camel(field.name): (field, hints[field.name], field.metadata["key"]) for field in fields(row)}


def optional(hint: Any) -> Any:
    """T of `T | None`, else None."""
    if get_origin(hint) in (Union, types.UnionType):
        return next(kind for kind in get_args(hint) if kind is not type(None))
    return None


def required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def read_row(row: type, value: object, path: str, report: Report) -> Any:
    """A `row` made from `value`. A wrong part is reported and becomes its default or None: the rest is still judged."""
    if not isinstance(value, Mapping):
        report(path, value, "Write a mapping of keys to values.")
        return None
    known = keys_of(row)
    for name in value.keys() - known.keys():
        report(join(path, name), MISSING, unknown(join(path, name), known))
    parts: dict[str, Any] = {}
    for name, (field, hint, key) in known.items():
        if name in value:
            part = read_value(hint, key, value[name], join(path, name), report)
            parts[field.name] = field.default if part is None and field.default is not MISSING else part
        elif required(field):
            report(join(path, name), MISSING, f"is missing. {key.description}")
            parts[field.name] = None
    return row(**parts)


def join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def unknown(path: str, known: Iterable[str]) -> str:
    if path.endswith(ONLY_IN_2010):
        return "exists in Exchange 2010 only; remove it."
    near = get_close_matches(path.rpartition(".")[2], list(known), n=1)
    return "is not a key of this file; " + (f"did you mean {near[0]}?" if near else "remove it.")


def read_value(hint: Any, key: Key, value: object, path: str, report: Report) -> Any:
    inner = optional(hint)
    if inner is not None:
        return None if value is None and not is_dataclass(inner) else read_value(inner, key, value, path, report)
    if hint is Secret:
        return value
    if is_dataclass(hint):
        return read_row(hint, {} if value is None else value, path, report)  # type: ignore[arg-type]
    if get_origin(hint) is Mapping:
        return read_mapping(get_args(hint)[1], key, value, path, report)
    if get_origin(hint) is tuple:
        return read_list(get_args(hint)[0], key, value, path, report)
    return read_scalar(hint, key, value, path, report)


def read_mapping(item: Any, key: Key, value: object, path: str, report: Report) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        report(path, value, "Write a mapping of names to values.")
        return {}
    return {str(name): read_value(item, key, part, join(path, name), report) for name, part in value.items()}


def read_list(item: Any, key: Key, value: object, path: str, report: Report) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        report(path, value, "Write a list.")
        return ()
    fewest, most = key.bounds.get("minItems", 0), key.bounds.get("maxItems", len(value))
    if not fewest <= len(value) <= most:
        report(path, value, f"Write {fewest} to {most} items." if value else "Write at least one item.")
    return tuple(read_value(item, key, part, f"{path}[{index}]", report) for index, part in enumerate(value))


def read_scalar(hint: Any, key: Key, value: object, path: str, report: Report) -> Any:
    """A text, number, truth value or choice. Pulumi hands numbers and truth values on as text, which counts too."""
    if hint is bool:
        if isinstance(value, bool) or value in ("true", "false"):
            return value in (True, "true")
        report(path, value, "Write true or false.")
    elif hint is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return within(key, value, path, report)
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return within(key, int(value), path, report)
        report(path, value, "Write a whole number.")
    elif get_origin(hint) is Literal:
        if str(value) in get_args(hint):
            return str(value)
        report(path, value, f"Write one of {', '.join(get_args(hint))}.")
    elif isinstance(value, str | int) and not isinstance(value, bool):
        return well_formed(key, str(value), path, report)
    else:
        report(path, value, "Write a text.")
    return None


def within(key: Key, value: int, path: str, report: Report) -> int | None:
    low, high = key.bounds.get("minimum", value), key.bounds.get("maximum", value)
    if low <= value <= high:
        return value
    report(path, value, f"Write a number from {low} to {high}.")
    return None


def well_formed(key: Key, value: str, path: str, report: Report) -> str | None:
    shortest, longest = key.bounds.get("minLength", 1), key.bounds.get("maxLength", len(value))
    if key.form and not re.fullmatch(key.form.pattern, value):
        report(path, value, key.form.remedy)
    elif not shortest <= len(value) <= longest:
        report(
            path, value, f"Write {shortest} to {longest} characters." if value else "Write a text that is not empty."
        )
    else:
        return value
    return None
