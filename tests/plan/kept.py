"""The kept plans: one readable file for each stack, rewritten by `make plans`.

Secrets are shown by name and marked, and scripts by their file, so that a reviewer sees nothing but real changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components import powershell
from tests.plan import stack_files
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN, ROOT, plan
from tests.plan.recorder import Registration
from tests.plan.wire import MarkedArchive, MarkedSecret, Unknown

# Options whose value is another resource.
NAMING = {"deletedWith"}
HEAD = "# Kept by `make plans`: what the program registers for {file}.\n"


class PlanDumper(yaml.SafeDumper):
    """YAML with tags for secrets, unknown values and archives, and with readable texts of several lines."""

    def ignore_aliases(self, _: object) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    def represent_secret(self, data: MarkedSecret) -> yaml.Node:
        node: yaml.Node = self.represent_data(data.value)
        node.tag = "!secret"
        return node

    def represent_unknown(self, _: Unknown) -> yaml.ScalarNode:
        return self.represent_scalar("!unknown", "")

    def represent_archive(self, data: MarkedArchive) -> yaml.ScalarNode:
        return self.represent_scalar("!archive", data.path)


PlanDumper.add_representer(str, PlanDumper.represent_text)
PlanDumper.add_representer(MarkedSecret, PlanDumper.represent_secret)
PlanDumper.add_representer(Unknown, PlanDumper.represent_unknown)
PlanDumper.add_representer(MarkedArchive, PlanDumper.represent_archive)


def kept_plan_path(stack: str) -> Path:
    return stack_files.DATA / f"{stack}.yaml"


def write_kept_plan(stack: str) -> str:
    """The plan of a stack file, as its kept file holds it."""
    head = HEAD.format(file=stack_files.stack_file_path(stack).relative_to(ROOT))
    return head + format_plan(plan(stack_files.read_stack_config(stack), stack=stack))


def format_plan(made: RecordedPlan) -> str:
    blocks = {made.label(urn): format_resource(made, one) for urn, one in made.resources.items()}
    content = {
        "resources": dict(sorted(blocks.items())),
        "calls": sorted(({"function": call.token, **make_legible(call.arguments)} for call in made.calls), key=str),
        "outputs": make_legible(made.outputs),
        "warnings": made.log.warnings,
    }
    return yaml.dump(content, Dumper=PlanDumper, sort_keys=False, width=math.inf, allow_unicode=True)


def format_resource(made: RecordedPlan, one: Registration) -> dict[str, Any]:
    named = {name: made.label(one.options[name]) for name in NAMING & one.options.keys()}
    found = {
        "type": one.type,
        "parent": made.label(one.parent) if one.parent in made.resources else None,
        "inputs": make_legible(one.inputs),
        "after": made.nearest_dependencies(one),
        "options": make_legible({**one.options, **named}),
        "outputs": make_legible(made.component_outputs.get(one.urn, {})),
    }
    return {key: value for key, value in found.items() if value}


def make_legible(value: Any) -> Any:
    """In a stable order, with scripts and secrets by name."""
    if isinstance(value, Mapping):
        return {key: make_legible(part) for key, part in sorted(value.items())}
    if isinstance(value, list):
        return [make_legible(part) for part in value]
    if isinstance(value, MarkedSecret):
        return MarkedSecret(make_legible(value.value))
    return shorten_text(value) if isinstance(value, str) else value


def shorten_text(text: str) -> str:
    if text in read_scripts():
        return read_scripts()[text]
    for name, secret in GIVEN.items():
        text = text.replace(secret, f"[{name}]")
    return text.replace(powershell.scripts_version(), "<version of the scripts>")


@cache
def read_scripts() -> dict[str, str]:
    """Text -> file."""
    return {file.read_text(encoding="utf-8"): str(file.relative_to(ROOT)) for file in powershell.SCRIPTS.glob("*.ps1")}


if __name__ == "__main__":
    for stack in stack_files.STACKS:
        kept_plan_path(stack).write_text(write_kept_plan(stack), encoding="utf-8")
