"""The output of `pulumi preview --json` as the engine writes it: one document, or one event a line.

Resources that stay as they are have no step in it, but for the stack itself (which brings the outputs of the last run)
and those whose protection changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What the engine writes for values that only the run will tell: text, number, boolean, list, archive, asset, mapping.
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
STACK = "pulumi:pulumi:Stack"
# Events bring the marks with which a terminal is coloured.
COLOURS = re.compile(r"<\{%[^%]*%\}>")
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
# What happens in the state alone: nothing is made, changed or deleted.
STATE_ONLY = frozenset({"read", "read-replacement", "refresh", "discard", "discard-replaced", "remove-pending-replace"})


class NotAPreviewError(Exception):
    """The file cannot be read or is no preview; the text names it, with a remedy and without its content."""


@dataclass(frozen=True, kw_only=True)
class PreviewStep:
    """What would happen to one resource. `before` and `after` are inputs, empty where there is none.

    `operation` is one of OPERATIONS' values, or the engine's own word where it is none of its keys.
    `outputs` is what the provider knew of it before; `needs`: property -> URNs of the resources it is taken from;
    `with_it`: URN of the resource that it vanishes with; `forcing`: the properties that force a replacement.
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
        """Whether the operation is one that the review can judge."""
        return self.operation in OPERATIONS.values()

    @property
    def gone(self) -> bool:
        """Whether what is there now is deleted, also where something new takes its place."""
        return self.operation in ("delete", "replace")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`config` is the stack's configuration by full name, `outputs` those of the last run, `errors` why it failed.

    `values` are all inputs and outputs in the file, old and new, also of what is no step here.
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
    """Whether a value, or anything inside of it, is known only after the run."""
    if isinstance(value, str):
        return value in UNKNOWNS
    if isinstance(value, Mapping):
        return any(is_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(is_unknown(part) for part in value)
    return False


def read(path: Path) -> Preview:
    """Raises NotAPreviewError."""
    try:
        # Bytes: PowerShell's > writes UTF-16.
        content = path.read_bytes()
    except OSError as error:
        raise NotAPreviewError(f"{path}: {error.strerror}. Name the output of `pulumi preview --json`.") from None
    try:
        return preview_of(document(content))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAPreviewError(
            f"{path} is not the whole output of `pulumi preview --json`. Run that, with its standard output alone."
        ) from None


def document(content: bytes) -> Mapping[str, Any]:
    """The digest; events, which the engine writes with PULUMI_ENABLE_STREAMING_JSON_PREVIEW, are put into its form."""
    text = content.decode(json.detect_encoding(content))
    try:
        found: Mapping[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        return of_events([json.loads(line) for line in text.splitlines() if line.strip()])
    return of_events([found]) if "sequence" in found else found


def of_events(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    steps, config, diagnostics, ended = [], {}, [], False
    for event in events:
        if "resourcePreEvent" in event:
            step = event["resourcePreEvent"]["metadata"]
            detailed = {key: {"kind": value["diffKind"]} for key, value in (step.get("detailedDiff") or {}).items()}
            steps.append({**step, "oldState": step.get("old"), "newState": step.get("new"), "detailedDiff": detailed})
        elif "preludeEvent" in event:
            config = event["preludeEvent"]["config"]
        elif "diagnosticEvent" in event:
            said = event["diagnosticEvent"]
            diagnostics.append({**said, "message": COLOURS.sub("", said["message"])})
        ended = ended or "summaryEvent" in event
    if not ended:
        raise ValueError("the events have no end")
    return {"steps": steps, "config": config, "diagnostics": diagnostics, "changeSummary": {}}


def preview_of(digest: Mapping[str, Any]) -> Preview:
    if "steps" not in digest and "changeSummary" not in digest:
        raise KeyError("steps")
    raw = digest.get("steps") or []
    said = digest.get("diagnostics") or []
    outputs: Mapping[str, Any] = {}
    stack = ""
    for step in raw:
        stack = stack or step["urn"].split("::")[0].removeprefix("urn:pulumi:")
        if f"{STACK}::" in step["urn"]:
            outputs = (step.get("oldState") or {}).get("outputs") or {}
    return Preview(
        stack=stack,
        config=digest.get("config") or {},
        # The engine works in parallel, so its order is another one each time.
        steps=tuple(sorted(steps_of(raw), key=lambda step: (step.name, step.urn))),
        values=tuple(values_of(raw)),
        outputs=outputs,
        errors=tuple(entry["message"].strip() for entry in said if entry["severity"] == "error"),
        warnings=tuple(entry["message"].strip() for entry in said if entry["severity"] == "warning"),
    )


def values_of(raw: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for entry in raw:
        for state in (entry.get("oldState") or {}, entry.get("newState") or {}):
            yield from (state.get(part) or {} for part in ("inputs", "outputs"))


def steps_of(raw: Sequence[Mapping[str, Any]]) -> Iterator[PreviewStep]:
    """One a resource: the engine may tell a replacement in three steps. What a broken-off run left over is none."""
    merged: dict[str, dict[str, Any]] = {}
    for entry in raw:
        operation = OPERATIONS.get(entry["op"], str(entry["op"]))
        before = entry.get("oldState") or {}
        if operation in STATE_ONLY or (operation == "delete" and before.get("delete")):
            continue
        known = merged.setdefault(entry["urn"], {"op": operation})
        both = (known["op"], operation)
        # One that is not known hides no other step of the same resource, nor is it hidden.
        strange = [one for one in both if one not in OPERATIONS.values()]
        known["op"] = strange[0] if strange else "replace" if "replace" in both else operation
        for part in ("oldState", "newState", "detailedDiff", "replaceReasons", "keys", "diffReasons", "diffs"):
            known[part] = entry.get(part) or known.get(part)
    for urn, entry in merged.items():
        yield step_of(urn, entry)


def step_of(urn: str, entry: Mapping[str, Any]) -> PreviewStep:
    before, after = entry["oldState"] or {}, entry["newState"] or {}
    if entry["op"] == "create":
        before = {}
    elif entry["op"] == "delete":
        after = {}
    detailed = entry["detailedDiff"] or {}
    forcing = [path for path, diff in detailed.items() if diff["kind"].endswith("-replace")]
    changed = tuple(detailed or entry["diffReasons"] or entry["diffs"] or ())
    # The engine names no reason for the replacement of a command, but that its triggers differ.
    triggers = [path for path in changed if path.startswith("triggers")]
    return PreviewStep(
        operation=entry["op"],
        urn=urn,
        type=(after or before)["type"],
        before=before.get("inputs") or {},
        after=after.get("inputs") or {},
        outputs=before.get("outputs") or {},
        protected_before=bool(before.get("protect")),
        protected_after=bool(after.get("protect")),
        needs=after.get("propertyDependencies") or {},
        with_it=(after or before).get("deletedWith") or "",
        forcing=tuple(forcing or entry["replaceReasons"] or entry["keys"] or triggers),
        changed=changed,
    )
