"""Asks azure-native's getters for each thing that the stack would create, and writes the ids of those that exist.

`wanted.json` in the folder of LOOK: URN -> type and inputs. `found.json`: URN -> id (null: not there) or error.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = "EXCHANGE_CAS_LOOK"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # as the engine writes what a preview cannot know
GONE = re.compile(r"\b404\b|NotFound")
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def look(type_token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The ARM id under `id`, None where Azure has no such thing; `error` where Azure would not say."""
    _, module, name = type_token.split(":")
    getter = getattr(import_module(f"pulumi_azure_native.{module}"), f"get_{WORDS.sub('_', name).lower()}")
    # A getter's arguments are the path of a thing, under the names that its inputs have.
    given = {part: inputs.get(camel(part)) for part in inspect.signature(getter).parameters}
    arguments = {part: value for part, value in given.items() if value is not None}
    try:
        return {"id": getter(**arguments).id}
    except Exception as error:  # noqa: BLE001 (the SDK raises nothing more special)
        return {"id": None} if GONE.search(str(error)) else {"error": str(error)}


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


if __name__ == "__main__":
    folder = Path(os.environ[FOLDER])
    wanted = json.loads((folder / "wanted.json").read_text(encoding="utf-8"))
    found = {urn: look(one["type"], one["inputs"]) for urn, one in wanted.items()}
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
