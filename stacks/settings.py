"""A stack file's settings: read, checked as a whole, handed on as the farm's arguments.

`load` serves the program, `from_file` whoever reads the file without Pulumi (operations, the rehearsal).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from components.args import FarmArgs
from components.keys import Secret
from stacks import rules
from stacks.reading import MISSING, Problem, keys_of, optional, read_row

if TYPE_CHECKING:
    import pulumi

PROJECT = "exchange-cas"
SECRETS = frozenset(name for name, (_, hint, _) in keys_of(FarmArgs).items() if Secret in (hint, optional(hint)))


class SettingsError(Exception):
    """Every problem of a stack file, in the order of its keys."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"The stack file has {count}; nothing was changed:{lines}")


def read(values: Mapping[str, Any], *, location: str | None, exposed: Iterable[str] = ()) -> FarmArgs:
    """The farm's arguments from plain values under the keys of `FarmArgs`; secrets are passed through unread.

    `exposed` are the secrets that lie in the file unencrypted. Raises SettingsError with all problems at once.
    """
    problems = [Problem(name, MISSING, f"is not encrypted. Run: pulumi config set --secret {name}") for name in exposed]

    def report(key: str, value: object, remedy: str) -> None:
        problems.append(Problem(key, value, remedy))

    farm: FarmArgs = read_row(FarmArgs, values, "", report)
    if not location:
        report("azure-native:location", MISSING, "is missing. Name the Azure region, such as westeurope.")
    rules.check(farm, report)
    if problems:
        raise SettingsError(problems)
    return farm


def load(config: pulumi.Config, everything: Mapping[str, Any], is_secret: Callable[[str], bool]) -> FarmArgs:
    """The stack's settings; `everything` is all configuration under full names, so that unknown keys are seen.

    `is_secret` tells whether the value under a full name is encrypted in the stack file.
    """
    values: dict[str, Any] = {}
    for full_name in everything:
        project, _, name = full_name.partition(":")
        if project == PROJECT:
            values[name] = config.get_secret(name) if name in SECRETS else plain(config.get(name))
    exposed = [name for name in sorted(SECRETS & values.keys()) if not is_secret(f"{PROJECT}:{name}")]
    return read(values, location=everything.get("azure-native:location"), exposed=exposed)


def plain(text: str | None) -> Any:
    """Pulumi hands objects and lists on as JSON, anything else as it was written."""
    return json.loads(text) if text and text[0] in "{[" else text


def from_file(config: Mapping[str, Any]) -> FarmArgs:
    """The settings in the `config:` block of a stack file as YAML reads it; a secret is its encrypted text."""
    values = {name.partition(":")[2]: value for name, value in config.items() if name.startswith(f"{PROJECT}:")}
    return read(values, location=config.get("azure-native:location"))
