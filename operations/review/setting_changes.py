"""Settings that commands would write on servers, compared in the documents on their scripts' standard input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operations.review.preview import SECRET, PreviewStep, format_value, parse_object

# The URLs of a server's health check follow from the names; clients do not use them.
HEALTH_NAMES = "health.names."


@dataclass(frozen=True, kw_only=True)
class SettingChange:
    """One setting of one server; `old` or `new` is None if this stack does not set it then."""

    server: str
    setting: str
    old: str | None
    new: str | None


def find_setting_changes(key: str, step: PreviewStep) -> Iterator[SettingChange]:
    old, new = flatten_document(step.before), flatten_document(step.after)
    if step.operation == "create":
        # The rest of a new document controls the script; clients do not see it.
        new = {path: value for path, value in new.items() if path.startswith("settings.") or path == "inRotation"}
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path) and not path.startswith(HEALTH_NAMES):
            setting = path.removeprefix("settings.")
            yield SettingChange(server=key, setting=setting, old=old.get(path), new=new.get(path))
    is_secret = SECRET in (step.before.get("stdin"), step.after.get("stdin"))
    if is_secret and ("stdin" in step.changed or step.operation == "create"):
        yield SettingChange(server=key, setting="(the whole script input is secret)", old=SECRET, new=SECRET)


def read_document(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document on a script's standard input, without a credential; empty if it is secret, unknown or not JSON."""
    return {key: value for key, value in parse_object(inputs.get("stdin")).items() if key != "credential"}


def flatten_document(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Path -> value, as `settings.owa.InternalUrl`."""
    return dict(list_leaves(read_document(inputs), ""))


def list_leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from list_leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield path, ", ".join(map(format_value, value))
    else:
        yield path, format_value(value)
