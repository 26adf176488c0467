"""Each stack file's plan equals its kept plan, so that a reviewer sees each difference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import jsonschema
import pytest
import yaml

from components.args import FarmArgs
from stacks.arguments import PROJECT
from stacks.reading import is_required, keys_of, unwrap_optional
from tests.plan import kept, stack_files
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN, ROOT, plan


@pytest.mark.parametrize("stack", stack_files.STACKS)
def test_the_plan_is_the_kept_one(stack: str) -> None:
    assert kept.write_kept_plan(stack) == kept.kept_plan_path(stack).read_text(encoding="utf-8"), (
        "`make plans` keeps the new one"
    )


@pytest.mark.parametrize("stack", stack_files.STACKS)
def test_the_order_of_servers_in_the_stack_file_does_not_change_the_plan(
    stack: str, plans: dict[str, RecordedPlan]
) -> None:
    config = stack_files.read_stack_config(stack)
    servers = config[f"{PROJECT}:servers"]
    turned = config | {f"{PROJECT}:servers": dict(reversed(servers.items()))}
    assert list(turned[f"{PROJECT}:servers"]) != list(servers)
    assert kept.format_plan(plan(turned, stack=stack)) == kept.format_plan(plans[stack])


def test_every_secret_is_given_to_some_plan_and_no_kept_plan_shows_one() -> None:
    texts = {stack: kept.kept_plan_path(stack).read_text(encoding="utf-8") for stack in stack_files.STACKS}
    for name, secret in GIVEN.items():
        assert any(f"[{name}]" in text for text in texts.values()), name
        assert not [stack for stack, text in texts.items() if secret in text], name


def test_a_kept_plan_shows_another_script_but_not_a_scripts_new_text(
    monkeypatch: pytest.MonkeyPatch, plans: dict[str, RecordedPlan]
) -> None:
    text = kept.format_plan(plans["lab"])
    assert "script: components/scripts/Enable-OpenSsh.ps1" in text
    assert "<version of the scripts>/Set-ClientAccessNamespace.ps1" in text
    monkeypatch.setattr("components.powershell.scripts_version", lambda: "0badcafe")
    assert kept.format_plan(plan(stack_files.read_stack_config("lab"))) == text
    monkeypatch.setattr("components.powershell.read_script", lambda name: f"# not {name}")
    assert "script: '# not Enable-OpenSsh'" in kept.format_plan(plan(stack_files.read_stack_config("lab")))


@pytest.mark.parametrize("stack", stack_files.EVERY_KEY)
def test_a_stack_file_of_the_tests_obeys_the_schema(stack: str) -> None:
    content = yaml.safe_load(stack_files.stack_file_path(stack).read_text(encoding="utf-8"))
    jsonschema.validate(content, json.loads((ROOT / "stacks/stack.schema.json").read_text(encoding="utf-8")))


def test_some_stack_file_sets_every_key_to_another_value_than_its_default() -> None:
    used = {
        path for stack in stack_files.EVERY_KEY for path in changed_key_paths(FarmArgs, stack_file_values(stack), "")
    }
    every = set(key_paths(FarmArgs, ""))
    assert {"protect", "servers.hostKey", "namespace.services.owa.enabled", "ssh.jumpHost.port"} <= every
    assert every - used == set()


def stack_file_values(stack: str) -> dict[str, Any]:
    config = stack_files.read_stack_config(stack)
    return {name.removeprefix(f"{PROJECT}:"): value for name, value in config.items() if name.startswith(PROJECT)}


def row_type(hint: Any) -> type | None:
    """The row type of a key's value, or of each value in its mapping; None for a plain value."""
    inner = unwrap_optional(hint) or hint
    if get_origin(inner) is Mapping:
        inner = get_args(inner)[1]
    return inner if hasattr(inner, "__dataclass_fields__") else None


def key_paths(row: type, path: str) -> Iterator[str]:
    """Every key that holds a value and no row, such as servers.address."""
    for name, (_, hint, _) in keys_of(row).items():
        inner = row_type(hint)
        yield from key_paths(inner, f"{path}{name}.") if inner else [f"{path}{name}"]


def changed_key_paths(row: type, values: Mapping[str, Any], path: str) -> Iterator[str]:
    """The keys among `values` that differ from their defaults."""
    for name, (field, hint, _) in keys_of(row).items():
        value = values.get(name)
        if inner := row_type(hint):
            many = value.values() if get_origin(hint) is Mapping and value else [value or {}]
            for one in many:
                yield from changed_key_paths(inner, one, f"{path}{name}.")
        elif name in values and (is_required(field) or value not in (field.default, None)):
            yield f"{path}{name}"
