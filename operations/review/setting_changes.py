"""What servers would be told: the settings in the documents that the commands' scripts get on standard input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operations.review.preview import SECRET, PreviewStep
from operations.review.values import parsed, plain

# Where a server is asked for its health follows from the names; clients are not told.
HEALTH_NAMES = "health.names."


@dataclass(frozen=True, kw_only=True)
class SettingChange:
    """One setting of one server; None where this stack did not set it, or does not any more."""

    server: str
    setting: str
    old: str | None
    new: str | None


def changes_of(key: str, step: PreviewStep) -> Iterator[SettingChange]:
    old, new = flat(step.before), flat(step.after)
    if step.operation == "create":
        # The rest of a new document is how the script works, not what clients are told.
        new = {path: value for path, value in new.items() if path.startswith("settings.") or path == "inRotation"}
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path) and not path.startswith(HEALTH_NAMES):
            yield SettingChange(
                server=key, setting=path.removeprefix("settings."), old=old.get(path), new=new.get(path)
            )
    if SECRET in (step.before.get("stdin"), step.after.get("stdin")) and (
        "stdin" in step.changed or step.operation == "create"
    ):
        yield SettingChange(server=key, setting="(all in one secret text)", old=SECRET, new=SECRET)


def document(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a script gets on standard input, without a credential; empty where it is secret, unknown or another text."""
    return {key: value for key, value in parsed(inputs.get("stdin")).items() if key != "credential"}


def flat(inputs: Mapping[str, Any]) -> dict[str, str]:
    return dict(leaves(document(inputs), ""))


def leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield path, ", ".join(map(plain, value))
    else:
        yield path, plain(value)
