"""Reads a stack file into the farm's arguments, and checks it as a whole.

The program calls `load_arguments`. Operations and the rehearsal read the file without Pulumi: `read_config_block`.
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
from stacks import scalars
from stacks.problems import MISSING, UNREAD, Problem, Report, TypedText
from stacks.reading import keys_of, read_row, unwrap_optional
from stacks.stack_rules import check_rules

if TYPE_CHECKING:
    import pulumi

PROJECT = "exchange-cas"
AZURE = "azure-native"
LOCATION = f"{AZURE}:location"
# Other projects whose keys a stack file of this program may contain.
OTHER_PROJECTS = frozenset({AZURE, "command", "pulumi"})
# Pulumi's own key, although this project has a key of the same name.
PULUMI_TAGS = "pulumi:tags"
SECRETS = frozenset(name for name, (_, hint, _) in keys_of(FarmArgs).items() if Secret in (hint, unwrap_optional(hint)))


class InvalidStackFileError(Exception):
    """All problems of a stack file."""

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
    """The farm's arguments from plain values under the keys of `FarmArgs`. Secrets are passed on without being read.

    `exposed`: secrets that the file holds unencrypted. `others`: full names of keys of other projects. `typed` returns
    path -> text as typed, for messages. Raises InvalidStackFileError with all problems at once.
    """
    problems = [Problem(name, MISSING, f"is not encrypted. Run: pulumi config set --secret {name}") for name in exposed]

    def report(key: str, value: object, remedy: str) -> None:
        problems.append(Problem(key, value, remedy))

    misplaced = list(find_misplaced_keys(others))
    problems.extend(misplaced)
    farm: Any = read_row(FarmArgs, values, "", report)
    if not any(LOCATION in problem.remedy for problem in misplaced):
        check_region(location, report)
    if farm is not UNREAD:
        check_rules(farm, report)
    if problems:
        texts = typed()
        raise InvalidStackFileError([show_as_typed(problem, texts) for problem in problems])
    read_farm: FarmArgs = farm
    return read_farm


def find_misplaced_keys(full_names: Iterable[str]) -> Iterator[Problem]:
    """Keys that look like this program's, under a prefix where it would not read them."""
    for full_name in full_names:
        prefix, _, name = full_name.partition(":")
        meant = prefix.strip().lower().replace("_", "-")
        if prefix == AZURE or full_name == PULUMI_TAGS or (prefix in OTHER_PROJECTS and name not in keys_of(FarmArgs)):
            continue
        if name == "location" or get_close_matches(meant, [AZURE], cutoff=0.8):
            yield Problem(full_name, MISSING, f"is not read under this prefix. Write {AZURE}:{name}.")
        elif name in keys_of(FarmArgs) or get_close_matches(meant, [PROJECT], cutoff=0.8):
            yield Problem(full_name, MISSING, f"is not read under this prefix. Write {PROJECT}:{name}.")


def check_region(location: object, report: Report) -> None:
    if not location:
        report(LOCATION, MISSING, "is missing. Write the Azure region, such as westeurope.")
    elif not isinstance(location, str) or not location.replace(" ", "").isalnum():
        report(LOCATION, location, "is not an Azure region. Write one such as westeurope.")


def show_as_typed(problem: Problem, typed: Mapping[str, str]) -> Problem:
    """The problem with its value as typed: YAML reads 0730 as the number 472."""
    text = typed.get(problem.key)
    if text is None or text == problem.value:
        return problem
    value = scalars.parse_scalar(text)
    same = problem.value in (value, scalars.scalar_to_text(value))
    return replace(problem, value=TypedText(text)) if same else problem


def load_arguments(
    config: pulumi.Config, everything: Mapping[str, Any], is_secret: Callable[[str], bool], stack: str
) -> FarmArgs:
    """The farm's arguments from Pulumi's configuration.

    `everything`: all configuration under full names, so that unknown keys are found. `is_secret`: whether the value
    under a full name is encrypted in the stack file. Raises InvalidStackFileError with all problems at once.
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
    """The texts typed in the stack's file, for messages only: a run may use another file (`--config-file`)."""
    # Imported here because only a preview with problems needs it.
    from stacks import file

    try:
        return file.read_stack_file(path, PROJECT).typed
    except (OSError, file.UnreadableStackFileError):
        return {}


def parse_config_value(text: str | None) -> Any:
    """Pulumi passes objects and lists as JSON, other values as text, and a key without a value as an empty text."""
    if not text or text[0] not in "{[":
        return text or None
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_config_block(config: Mapping[str, Any], typed: Mapping[str, str] | None = None) -> FarmArgs:
    """The farm's arguments from a `config:` block as `stacks.file` reads it. A secret is its encrypted text.

    `typed`: path -> text as typed, for messages. Raises InvalidStackFileError with all problems at once.
    """
    prefix = f"{PROJECT}:"
    values = {name.removeprefix(prefix): value for name, value in config.items() if name.startswith(prefix)}
    others = [name for name in config if not name.startswith(prefix)]
    return read_arguments(values, location=config.get(LOCATION), others=others, typed=lambda: typed or {})
