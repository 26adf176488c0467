"""Read the output of `pulumi preview --json`: one document, or one event per line.

It has no step for a resource that stays unchanged, except the stack (with the outputs of the last run) and resources
whose protection changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from operations.review.preview import OPERATIONS, Preview, PreviewStep
from operations.stack import filter_errors

STACK = "pulumi:pulumi:Stack"
# Messages in events contain marks for the terminal's colours.
COLOURS = re.compile(r"<\{%[^%]*%\}>")
# Operations on the state only: no resource is created, changed or deleted.
STATE_ONLY = frozenset({"read", "read-replacement", "refresh", "discard", "discard-replaced", "remove-pending-replace"})


class NotAPreviewError(Exception):
    """The file cannot be read or is not a preview. The message names it and the remedy, not its content."""


def read_preview(path: Path) -> Preview:
    """Raises NotAPreviewError."""
    try:
        # As bytes: `>` in Windows PowerShell writes UTF-16.
        content = path.read_bytes()
    except OSError as error:
        raise NotAPreviewError(f"{path}: {error.strerror}. Name the output of `pulumi preview --json`.") from None
    try:
        return build_preview(parse_content(content))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAPreviewError(
            f"{path} is not the whole output of `pulumi preview --json`. Run that, with its standard output alone."
        ) from None


def parse_content(content: bytes) -> Mapping[str, Any]:
    """The preview as one document; events (PULUMI_ENABLE_STREAMING_JSON_PREVIEW) are converted to one."""
    text = content.decode(json.detect_encoding(content))
    try:
        found: Mapping[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        return convert_events([json.loads(line) for line in text.splitlines() if line.strip()])
    return convert_events([found]) if "sequence" in found else found


def convert_events(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    steps, config, diagnostics, ended = [], {}, [], False
    for event in events:
        if "resourcePreEvent" in event:
            step = event["resourcePreEvent"]["metadata"]
            detailed = {key: {"kind": value["diffKind"]} for key, value in (step.get("detailedDiff") or {}).items()}
            steps.append({**step, "oldState": step.get("old"), "newState": step.get("new"), "detailedDiff": detailed})
        elif "preludeEvent" in event:
            config = event["preludeEvent"]["config"]
        elif "diagnosticEvent" in event:
            diagnostic = event["diagnosticEvent"]
            diagnostics.append({**diagnostic, "message": COLOURS.sub("", diagnostic["message"])})
        ended = ended or "summaryEvent" in event
    if not ended:
        raise ValueError("there is no summaryEvent")
    return {"steps": steps, "config": config, "diagnostics": diagnostics, "changeSummary": {}}


def build_preview(digest: Mapping[str, Any]) -> Preview:
    if "steps" not in digest and "changeSummary" not in digest:
        raise KeyError("steps")
    raw = digest.get("steps") or []
    diagnostics = digest.get("diagnostics") or []
    outputs: Mapping[str, Any] = {}
    stack = ""
    for step in raw:
        stack = stack or step["urn"].split("::")[0].removeprefix("urn:pulumi:")
        if f"{STACK}::" in step["urn"]:
            outputs = (step.get("oldState") or {}).get("outputs") or {}
    return Preview(
        stack=stack,
        config=digest.get("config") or {},
        # The engine works in parallel: its order differs between previews of the same change.
        steps=tuple(sorted(merge_steps(raw), key=lambda step: (step.name, step.urn))),
        values=tuple(collect_values(raw)),
        outputs=outputs,
        errors=tuple(filter_errors(diagnostics)),
        warnings=tuple(entry["message"].strip() for entry in diagnostics if entry["severity"] == "warning"),
    )


def collect_values(raw: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for entry in raw:
        for state in (entry.get("oldState") or {}, entry.get("newState") or {}):
            yield from (state.get(part) or {} for part in ("inputs", "outputs"))


def merge_steps(raw: Sequence[Mapping[str, Any]]) -> Iterator[PreviewStep]:
    """One step per resource: the engine may write a replacement as three.

    Without deletions that only finish an interrupted run (`delete` in the state).
    """
    merged: dict[str, dict[str, Any]] = {}
    for entry in raw:
        operation = OPERATIONS.get(entry["op"], str(entry["op"]))
        before = entry.get("oldState") or {}
        if operation in STATE_ONLY or (operation == "delete" and before.get("delete")):
            continue
        known = merged.setdefault(entry["urn"], {"op": operation})
        both = (known["op"], operation)
        # An unknown operation must stay visible beside known ones of the same resource.
        unknown = [one for one in both if one not in OPERATIONS.values()]
        known["op"] = unknown[0] if unknown else "replace" if "replace" in both else operation
        for part in ("oldState", "newState", "detailedDiff", "replaceReasons", "keys", "diffReasons", "diffs"):
            known[part] = entry.get(part) or known.get(part)
    for urn, entry in merged.items():
        yield build_step(urn, entry)


def build_step(urn: str, entry: Mapping[str, Any]) -> PreviewStep:
    before, after = entry["oldState"] or {}, entry["newState"] or {}
    if entry["op"] == "create":
        before = {}
    elif entry["op"] == "delete":
        after = {}
    detailed = entry["detailedDiff"] or {}
    forcing = [path for path, diff in detailed.items() if diff["kind"].endswith("-replace")]
    changed = tuple(detailed or entry["diffReasons"] or entry["diffs"] or ())
    # The engine gives no reason for the replacement of a command, only the changed `triggers`.
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
