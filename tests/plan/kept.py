"""The kept plans: one readable file a stack, rewritten by `make plans`.

Secrets are shown by name and marked, texts of scripts by their file, so that a reviewer sees what changes and no more.
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
from tests.plan.plan import Plan
from tests.plan.program import GIVEN, ROOT, plan
from tests.plan.recorder import Registration
from tests.plan.wire import Archive, Secret, Unknown

# Options whose value is another resource.
NAMING = {"deletedWith"}
HEAD = "# Kept by `make plans`: what the program registers for {file}.\n"


class Dumper(yaml.SafeDumper):
    """YAML with marks for what is secret, unknown or an archive, and texts of several lines as they are."""

    def ignore_aliases(self, _: object) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    def represent_secret(self, data: Secret) -> yaml.Node:
        node: yaml.Node = self.represent_data(data.value)
        node.tag = "!secret"
        return node

    def represent_unknown(self, _: Unknown) -> yaml.ScalarNode:
        return self.represent_scalar("!unknown", "")

    def represent_archive(self, data: Archive) -> yaml.ScalarNode:
        return self.represent_scalar("!archive", data.path)


Dumper.add_representer(str, Dumper.represent_text)
Dumper.add_representer(Secret, Dumper.represent_secret)
Dumper.add_representer(Unknown, Dumper.represent_unknown)
Dumper.add_representer(Archive, Dumper.represent_archive)


def path_of(stack: str) -> Path:
    return stack_files.DATA / f"{stack}.yaml"


def text_of(stack: str) -> str:
    """The plan of a stack file as it is kept."""
    head = HEAD.format(file=stack_files.path_of(stack).relative_to(ROOT))
    return head + shown(plan(stack_files.config_of(stack), stack=stack))


def shown(made: Plan) -> str:
    blocks = {made.label(urn): block(made, one) for urn, one in made.resources.items()}
    content = {
        "resources": dict(sorted(blocks.items())),
        "calls": sorted(({"function": call.token, **legible(call.arguments)} for call in made.calls), key=str),
        "outputs": legible(made.outputs),
        "warnings": made.log.warnings,
    }
    return yaml.dump(content, Dumper=Dumper, sort_keys=False, width=math.inf, allow_unicode=True)


def block(made: Plan, one: Registration) -> dict[str, Any]:
    named = {name: made.label(one.options[name]) for name in NAMING & one.options.keys()}
    found = {
        "type": one.type,
        "parent": made.label(one.parent) if one.parent in made.resources else None,
        "inputs": legible(one.inputs),
        "after": made.after(one),
        "options": legible({**one.options, **named}),
        "outputs": legible(made.component_outputs.get(one.urn, {})),
    }
    return {key: value for key, value in found.items() if value}


def legible(value: Any) -> Any:
    """In a stable order, with what is long or secret by its name."""
    if isinstance(value, Mapping):
        return {key: legible(part) for key, part in sorted(value.items())}
    if isinstance(value, list):
        return [legible(part) for part in value]
    if isinstance(value, Secret):
        return Secret(legible(value.value))
    return told(value) if isinstance(value, str) else value


def told(text: str) -> str:
    if text in scripts():
        return scripts()[text]
    for name, secret in GIVEN.items():
        text = text.replace(secret, f"[{name}]")
    return text.replace(powershell.scripts_version(), "<version of the scripts>")


@cache
def scripts() -> dict[str, str]:
    """Text -> file."""
    return {file.read_text(encoding="utf-8"): str(file.relative_to(ROOT)) for file in powershell.SCRIPTS.glob("*.ps1")}


if __name__ == "__main__":
    for stack in stack_files.STACKS:
        path_of(stack).write_text(text_of(stack), encoding="utf-8")
