"""A stack file's settings: read, checked as a whole, handed on as the farm's arguments.

`load_arguments` serves the program, `read_config_block` what reads the file without Pulumi (operations, the rehearsal).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.args import FarmArgs
from components.keys import Secret
from stacks import rules, scalars
from stacks.problems import MISSING, UNREAD, Problem, Typed
from stacks.reading import keys_of, read_row, unwrap_optional

if TYPE_CHECKING:
    import pulumi

PROJECT = "exchange-cas"
AZURE = "azure-native"
LOCATION = f"{AZURE}:location"
# Whose keys a stack file of this program may hold beside its own.
OTHERS = frozenset({AZURE, "command", "pulumi"})
# Named as one of this project's keys, and Pulumi's own.
PULUMI_TAGS = "pulumi:tags"
SECRETS = frozenset(name for name, (_, hint, _) in keys_of(FarmArgs).items() if Secret in (hint, unwrap_optional(hint)))


class InvalidStackFileError(Exception):
    """Every problem of a stack file, in the order of its keys."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"The stack file has {count}; nothing was changed:{lines}")


def read_arguments(
    values: Mapping[str, Any],
    *,
    location: object,
    exposed: Iterable[str] = (),
    others: Iterable[str] = (),
    typed: Callable[[], Mapping[str, str]] = dict,
) -> FarmArgs:
    """The farm's arguments from plain values under the keys of `FarmArgs`; secrets are passed through unread.

    `exposed`: secrets that the file holds unencrypted. `others`: full names of keys of other projects. `typed` returns
    path -> text as typed, for messages. Raises InvalidStackFileError with all problems at once.
    """
    problems = [Problem(name, MISSING, f"is not encrypted. Run: pulumi config set --secret {name}") for name in exposed]

    def report(key: str, value: object, remedy: str) -> None:
        problems.append(Problem(key, value, remedy))

    astray = list(misplaced(others))
    problems.extend(astray)
    farm: Any = read_row(FarmArgs, values, "", report)
    if not any(LOCATION in problem.remedy for problem in astray):
        region(location, report)
    if farm is not UNREAD:
        rules.check(farm, report)
    if problems:
        texts = typed()
        raise InvalidStackFileError([as_typed(problem, texts) for problem in problems])
    read_farm: FarmArgs = farm
    return read_farm


def misplaced(full_names: Iterable[str]) -> Iterator[Problem]:
    """Keys that were meant for this program, and that it would not see under their prefix."""
    for full_name in full_names:
        prefix, _, name = full_name.partition(":")
        meant = prefix.strip().lower().replace("_", "-")
        if prefix == AZURE or full_name == PULUMI_TAGS or (prefix in OTHERS and name not in keys_of(FarmArgs)):
            continue
        if name == "location" or get_close_matches(meant, [AZURE], cutoff=0.8):
            yield Problem(full_name, MISSING, f"is not read under this prefix. Write {AZURE}:{name}.")
        elif name in keys_of(FarmArgs) or get_close_matches(meant, [PROJECT], cutoff=0.8):
            yield Problem(full_name, MISSING, f"is not read under this prefix. Write {PROJECT}:{name}.")


def region(location: object, report: Callable[[str, object, str], None]) -> None:
    if not location:
        report(LOCATION, MISSING, "is missing. Name the Azure region, such as westeurope.")
    elif not isinstance(location, str) or not location.replace(" ", "").isalnum():
        report(LOCATION, location, "is not an Azure region; name one such as westeurope.")


def as_typed(problem: Problem, typed: Mapping[str, str]) -> Problem:
    """0730 is the number 472 by the time it is read: the message shows what its reader typed."""
    text = typed.get(problem.key)
    if text is None or text == problem.value:
        return problem
    value = scalars.plain(text)
    same = problem.value in (value, scalars.as_text(value))
    return replace(problem, value=Typed(text)) if same else problem


def load_arguments(
    config: pulumi.Config, everything: Mapping[str, Any], is_secret: Callable[[str], bool], stack: str
) -> FarmArgs:
    """The stack's settings; `everything` is all configuration under full names, so that unknown keys are seen.

    `is_secret` tells whether the value under a full name is encrypted in the stack file.
    """
    values: dict[str, Any] = {}
    others = []
    for full_name in everything:
        project, _, name = full_name.partition(":")
        if project == PROJECT:
            values[name] = config.get_secret(name) if name in SECRETS else parse_config_value(config.get(name))
        else:
            others.append(full_name)
    exposed = [name for name in sorted(SECRETS & values.keys()) if not is_secret(f"{PROJECT}:{name}")]
    return read_arguments(
        values,
        location=everything.get(LOCATION),
        exposed=exposed,
        others=others,
        typed=lambda: read_typed_texts(Path(__file__).parent / f"Pulumi.{stack}.yaml"),
    )


def read_typed_texts(path: Path) -> Mapping[str, str]:
    """What was typed in the stack's file. For messages only: a run may have been given another file."""
    # Imported where it is needed: a preview without a problem does not wait for it.
    from stacks import file

    try:
        return file.read_stack_file(path, PROJECT).typed
    except (OSError, file.UnreadableStackFileError):
        return {}


def parse_config_value(text: str | None) -> Any:
    """Pulumi hands objects and lists on as JSON, anything else as text; a key without a value is an empty text."""
    if not text or text[0] not in "{[":
        return text or None
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_config_block(config: Mapping[str, Any], typed: Mapping[str, str] | None = None) -> FarmArgs:
    """The settings in a `config:` block as `stacks.file` reads it; a secret is its encrypted text."""
    values = {name.partition(":")[2]: value for name, value in config.items() if name.startswith(f"{PROJECT}:")}
    others = [name for name in config if not name.startswith(f"{PROJECT}:")]
    return read_arguments(values, location=config.get(LOCATION), others=others, typed=lambda: typed or {})
