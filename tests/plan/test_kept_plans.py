"""Each stack file's plan is the one that is kept; a difference is for a reviewer to see."""

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
from tests.plan.plan import Plan
from tests.plan.program import GIVEN, ROOT, plan


@pytest.mark.parametrize("stack", stack_files.STACKS)
def test_the_plan_is_the_kept_one(stack: str) -> None:
    assert kept.text_of(stack) == kept.path_of(stack).read_text(encoding="utf-8"), "`make plans` keeps the new one"


@pytest.mark.parametrize("stack", stack_files.STACKS)
def test_the_order_of_servers_in_the_stack_file_never_shows(stack: str, plans: dict[str, Plan]) -> None:
    config = stack_files.config_of(stack)
    servers = config[f"{PROJECT}:servers"]
    turned = config | {f"{PROJECT}:servers": dict(reversed(servers.items()))}
    assert list(turned[f"{PROJECT}:servers"]) != list(servers)
    assert kept.shown(plan(turned, stack=stack)) == kept.shown(plans[stack])


def test_every_secret_is_given_to_some_plan_and_no_kept_plan_shows_one() -> None:
    texts = {stack: kept.path_of(stack).read_text(encoding="utf-8") for stack in stack_files.STACKS}
    for name, secret in GIVEN.items():
        assert any(f"[{name}]" in text for text in texts.values()), name
        assert not [stack for stack, text in texts.items() if secret in text], name


def test_a_changed_script_changes_no_kept_plan_and_another_script_does(
    monkeypatch: pytest.MonkeyPatch, plans: dict[str, Plan]
) -> None:
    text = kept.shown(plans["lab"])
    assert "script: components/scripts/Enable-OpenSsh.ps1" in text
    assert "<version of the scripts>/Set-ClientAccessNamespace.ps1" in text
    monkeypatch.setattr("components.powershell.scripts_version", lambda: "0badcafe")
    assert kept.shown(plan(stack_files.config_of("lab"))) == text
    monkeypatch.setattr("components.powershell.read_script", lambda name: f"# not {name}")
    assert "script: '# not Enable-OpenSsh'" in kept.shown(plan(stack_files.config_of("lab")))


@pytest.mark.parametrize("stack", stack_files.EVERY_KEY)
def test_a_stack_file_of_the_tests_obeys_the_schema(stack: str) -> None:
    content = yaml.safe_load(stack_files.path_of(stack).read_text(encoding="utf-8"))
    jsonschema.validate(content, json.loads((ROOT / "stacks/stack.schema.json").read_text(encoding="utf-8")))


def test_every_key_is_used_with_a_value_of_its_own() -> None:
    used = {path for stack in stack_files.EVERY_KEY for path in own(FarmArgs, values_of(stack), "")}
    every = set(paths(FarmArgs, ""))
    assert {"protect", "servers.hostKey", "namespace.services.owa.enabled", "ssh.jumpHost.port"} <= every
    assert every - used == set()


def values_of(stack: str) -> dict[str, Any]:
    config = stack_files.config_of(stack)
    return {name.removeprefix(f"{PROJECT}:"): value for name, value in config.items() if name.startswith(PROJECT)}


def rows(hint: Any) -> type | None:
    """The row that a key's value is, or that each value of its mapping is."""
    inner = unwrap_optional(hint) or hint
    if get_origin(inner) is Mapping:
        inner = get_args(inner)[1]
    return inner if hasattr(inner, "__dataclass_fields__") else None


def paths(row: type, path: str) -> Iterator[str]:
    """Every key with a value of its own, such as servers.address."""
    for name, (_, hint, _) in keys_of(row).items():
        inner = rows(hint)
        yield from paths(inner, f"{path}{name}.") if inner else [f"{path}{name}"]


def own(row: type, values: Mapping[str, Any], path: str) -> Iterator[str]:
    """The keys among `values` that differ from their defaults."""
    for name, (field, hint, _) in keys_of(row).items():
        value = values.get(name)
        if inner := rows(hint):
            many = value.values() if get_origin(hint) is Mapping and value else [value or {}]
            for one in many:
                yield from own(inner, one, f"{path}{name}.")
        elif name in values and (is_required(field) or value not in (field.default, None)):
            yield f"{path}{name}"
