"""Generates the JSON Schema of a stack file: `python -m stacks.schema`.

Editors find the schema through the first line of each stack file, for completion and checks.
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


def build_schema() -> dict[str, Any]:
    farm = describe_row(FarmArgs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of the Exchange Client Access farm",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                # A secret is set later, by `pulumi config set --secret`.
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


def describe_row(row: type) -> dict[str, Any]:
    known = keys_of(row)
    needed = [name for name, (field, _, _) in known.items() if is_required(field)]
    return {
        # null stands for a row of defaults, if the row has no required key.
        "type": "object" if needed else ["object", "null"],
        "additionalProperties": False,
        "required": needed,
        "properties": {
            name: {**describe_value(hint, key), "description": key.description, **describe_default(field.default)}
            for name, (field, hint, key) in known.items()
        },
    }


def describe_default(default: Any) -> dict[str, Any]:
    if default is MISSING or default is None or is_dataclass(default) or isinstance(default, Derived):
        return {}
    return {"default": list(default) if isinstance(default, tuple) else default}


def describe_value(hint: Any, key: Key) -> dict[str, Any]:
    inner = unwrap_optional(hint)
    if inner is not None:
        return allow_null(describe_value(inner, key))
    if hint is Secret:
        return SECRET
    if is_dataclass(hint):
        return describe_row(hint)  # type: ignore[arg-type]
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": describe_value(get_args(hint)[1], key)}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": describe_value(get_args(hint)[0], key), **select_bounds(key, "Items")}
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        # YAML reads 2016 as a number; the program accepts both.
        return {"enum": [*choices, *(int(choice) for choice in choices if choice.isdigit())]}
    if hint is bool:
        return {"type": "boolean"}
    if hint is int:
        return {"type": "integer", **select_bounds(key, "imum")}
    return {"type": "string", **select_bounds(key, "Length"), **describe_pattern(key)}


def describe_pattern(key: Key) -> dict[str, str]:
    # Editors use JavaScript's regular expressions, which write named groups in another way.
    return {"pattern": f"^({key.form.pattern.replace('?P<value>', '')})$"} if key.form else {}


def allow_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Adds null, except for rows, which add it themselves, and secrets, which must have a value."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    if schema["type"] in ("string", "integer", "boolean"):
        return {**schema, "type": [schema["type"], "null"]}
    return schema


def select_bounds(key: Key, kind: str) -> dict[str, int]:
    """The bounds that end in `kind`: imum (minimum, maximum), Length or Items."""
    return {name: bound for name, bound in key.bounds.items() if name.endswith(kind)}


def render_schema() -> str:
    return json.dumps(build_schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(render_schema())
