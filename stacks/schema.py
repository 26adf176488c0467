"""The JSON Schema of a stack file, made from the rows that settings are read into: `python -m stacks.schema`.

Editors find it through the first line of each stack file and give completion and checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from components.args import FarmArgs
from components.keys import Key, Secret
from components.namespace_args import Derived
from stacks.arguments import PROJECT, SECRETS
from stacks.reading import is_required, keys_of, unwrap_optional

FILE = Path(__file__).parent / "stack.schema.json"
SECRET = {
    "type": "object",
    "required": ["secure"],
    "additionalProperties": False,
    "properties": {"secure": {"type": "string"}},
    "description": "Set it with: pulumi config set --secret",
}


def schema() -> dict[str, Any]:
    farm = row_schema(FarmArgs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of the Exchange Client Access farm",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                # A secret is set by a command of its own, after the file is written.
                "required": [f"{PROJECT}:{name}" for name in farm["required"] if name not in SECRETS],
                "properties": {
                    **{f"{PROJECT}:{name}": value for name, value in farm["properties"].items()},
                    "azure-native:location": {"type": "string", "description": "The Azure region, such as westeurope."},
                },
                "patternProperties": {f"^(?!{PROJECT}:)": True},
                "additionalProperties": False,
            }
        },
    }


def row_schema(row: type) -> dict[str, Any]:
    known = keys_of(row)
    needed = [name for name, (field, _, _) in known.items() if is_required(field)]
    return {
        # A key without a value is a row of defaults, where nothing in it is needed.
        "type": "object" if needed else ["object", "null"],
        "additionalProperties": False,
        "required": needed,
        "properties": {
            name: {**value_schema(hint, key), "description": key.description, **default_of(field.default)}
            for name, (field, hint, key) in known.items()
        },
    }


def default_of(default: Any) -> dict[str, Any]:
    if default is MISSING or default is None or is_dataclass(default) or isinstance(default, Derived):
        return {}
    return {"default": list(default) if isinstance(default, tuple) else default}


def value_schema(hint: Any, key: Key) -> dict[str, Any]:
    inner = unwrap_optional(hint)
    if inner is not None:
        return with_null(value_schema(inner, key))
    if hint is Secret:
        return SECRET
    if is_dataclass(hint):
        return row_schema(hint)  # type: ignore[arg-type]
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": value_schema(get_args(hint)[1], key)}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": value_schema(get_args(hint)[0], key), **bounds(key, "Items")}
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        # YAML reads 2016 as a number; both spellings are accepted.
        return {"enum": [*choices, *(int(choice) for choice in choices if choice.isdigit())]}
    if hint is bool:
        return {"type": "boolean"}
    if hint is int:
        return {"type": "integer", **bounds(key, "imum")}
    return {"type": "string", **bounds(key, "Length"), **pattern(key)}


def pattern(key: Key) -> dict[str, str]:
    # Named groups are written in another way in JavaScript, whose expressions editors know.
    return {"pattern": f"^({key.form.pattern.replace('?P<value>', '')})$"} if key.form else {}


def with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A row may be null where nothing in it is needed, and a secret never."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if schema["type"] in ("string", "integer", "boolean"):
        return {**schema, "type": [schema["type"], "null"]}
    return schema


def bounds(key: Key, kind: str) -> dict[str, int]:
    """The bounds of one kind: minimum and maximum, minLength and maxLength, minItems and maxItems."""
    return {name: bound for name, bound in key.bounds.items() if name.endswith(kind)}


def text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
