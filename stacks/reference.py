"""Generates the reference of the keys in docs/stack-file.md, between two marks: `python -m stacks.reference`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from components.args import FarmArgs
from components.keys import Secret
from components.namespace_args import Derived
from stacks.reading import is_required, keys_of, unwrap_optional

PAGE = Path(__file__).resolve().parent.parent / "docs/stack-file.md"
BEGIN, END = "<!-- reference: made by `make schema` -->", "<!-- end of reference -->"


def render_reference() -> str:
    rows = "".join(
        f"| `{path}` | {kind} | {default} | {text} |\n" for path, kind, default, text in describe_keys(FarmArgs, "")
    )
    return f"| key | type | default | meaning |\n|---|---|---|---|\n{rows}"


def describe_keys(row: type, path: str) -> Iterator[tuple[str, str, str, str]]:
    """Path, type, default and description of each key."""
    for name, (field, hint, key) in keys_of(row).items():
        kind = unwrap_optional(hint) or hint
        default = "**required**" if is_required(field) else format_default(field.default)
        yield f"{path}{name}", name_type(kind), default, key.description
        if get_origin(kind) is Mapping and is_dataclass(get_args(kind)[1]):
            yield from describe_keys(get_args(kind)[1], f"{path}{name}.KEY.")
        elif get_origin(kind) is tuple and is_dataclass(get_args(kind)[0]):
            yield from describe_keys(get_args(kind)[0], f"{path}{name}[].")
        elif is_dataclass(kind):
            yield from describe_keys(kind, f"{path}{name}.")  # type: ignore[arg-type]


def format_default(default: Any) -> str:
    if isinstance(default, Derived):
        return default.value
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return str(default) if isinstance(default, str | int) else ""


def name_type(kind: Any) -> str:
    if kind is Secret:
        return "secret"
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {name_type(get_args(kind)[0])}"
    return {str: "text", int: "number", bool: "true, false"}.get(kind, "mapping")


def insert_reference(page: str) -> str:
    before, _, after_begin = page.partition(BEGIN)
    _, _, after = after_begin.partition(END)
    return f"{before}{BEGIN}\n\n{render_reference()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(insert_reference(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
