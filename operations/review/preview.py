"""A preview as the review reads it: one step for each resource that changes, the stack file and the last outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What the engine writes for unknown values: string, number, boolean, list, archive, asset, mapping.
UNKNOWNS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
SECRET = "[secret]"  # noqa: S105
# Texts that stand for an unknown value, and for a value that is cleared.
AFTER_THE_RUN, NONE = "known after the run", "none"
# The engine's operation -> ours.
OPERATIONS = {
    "create": "create",
    "import": "import",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "import-replacement": "replace",
    "delete-replaced": "replace",
    "delete": "delete",
    "same": "same",
}


@dataclass(frozen=True, kw_only=True)
class PreviewStep:
    """What would happen to one resource.

    `operation`: a value of OPERATIONS, or the engine's own word if it is not among the keys.
    `before`, `after`: inputs, empty if there are none; `outputs`: the provider's, of the last run.
    `needs`: property -> URNs of the resources that its value comes from.
    `with_it`: URN of the resource whose deletion deletes this one.
    `changed`: properties that differ; `forcing`: those that force a replacement.
    """

    operation: str
    urn: str
    type: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    outputs: Mapping[str, Any]
    protected_before: bool
    protected_after: bool
    needs: Mapping[str, Sequence[str]]
    with_it: str
    forcing: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def is_known(self) -> bool:
        """Whether the review can judge the operation."""
        return self.operation in OPERATIONS.values()

    @property
    def is_deleted(self) -> bool:
        """Whether the existing resource is deleted, also if a new one replaces it."""
        return self.operation in ("delete", "replace")

    @property
    def is_new(self) -> bool:
        return self.operation in ("create", "replace")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`config`: the stack's configuration by full name; `outputs`: the stack's, of the last run.

    `values`: all inputs and outputs in the file, old and new, also of resources without a step here.
    `errors`: why the preview failed.
    """

    stack: str
    config: Mapping[str, str]
    steps: tuple[PreviewStep, ...]
    values: tuple[Mapping[str, Any], ...]
    outputs: Mapping[str, Any]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def changes(self) -> list[PreviewStep]:
        return [step for step in self.steps if step.operation != "same"]


def is_unknown(value: object) -> bool:
    """Whether a value, or anything inside it, is known only after the run."""
    if isinstance(value, str):
        return value in UNKNOWNS
    if isinstance(value, Mapping):
        return any(is_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(is_unknown(part) for part in value)
    return False


def format_value(value: object) -> str:
    if is_unknown(value):
        return AFTER_THE_RUN
    if value is None:
        return NONE
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse_object(text: object) -> Mapping[str, Any]:
    """A JSON object, as text or parsed; empty if it is anything else."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
