"""The reference of a stack file's keys in docs/stack-file.md, made from the rows that settings are read into.

`make schema` writes it between the two marks.
"""

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


def table() -> str:
    rows = "".join(f"| `{path}` | {kind} | {default} | {text} |\n" for path, kind, default, text in lines(FarmArgs, ""))
    return f"| key | type | default | meaning |\n|---|---|---|---|\n{rows}"


def lines(row: type, path: str) -> Iterator[tuple[str, str, str, str]]:
    for name, (field, hint, key) in keys_of(row).items():
        kind = unwrap_optional(hint) or hint
        default = "**needed**" if is_required(field) else shown(field.default)
        yield f"{path}{name}", type_name(kind), default, key.description
        if get_origin(kind) is Mapping and is_dataclass(get_args(kind)[1]):
            yield from lines(get_args(kind)[1], f"{path}{name}.KEY.")
        elif get_origin(kind) is tuple and is_dataclass(get_args(kind)[0]):
            yield from lines(get_args(kind)[0], f"{path}{name}[].")
        elif is_dataclass(kind):
            yield from lines(kind, f"{path}{name}.")  # type: ignore[arg-type]


def shown(default: Any) -> str:
    if isinstance(default, Derived):
        return default.value
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return str(default) if isinstance(default, str | int) else ""


def type_name(kind: Any) -> str:
    if kind is Secret:
        return "secret"
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {type_name(get_args(kind)[0])}"
    return {str: "text", int: "number", bool: "true, false"}.get(kind, "mapping")


def with_reference(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_reference(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
