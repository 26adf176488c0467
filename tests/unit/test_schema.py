"""The JSON Schema that editors use agrees with the arguments that the program reads."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from components.args import FarmArgs
from stacks import arguments, reference, schema

pytestmark = pytest.mark.unit

STACKS = Path(schema.__file__).parent
FILES = sorted(STACKS.glob("Pulumi.*.yaml"))


def stack_file(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((STACKS / f"Pulumi.{name}.yaml").read_text())
    return content


def is_refused(content: dict[str, Any]) -> bool:
    return not Draft202012Validator(json.loads(schema.FILE.read_text())).is_valid(content)


def test_the_committed_schema_is_up_to_date() -> None:
    assert schema.FILE.read_text() == schema.render_schema(), "run: make schema"


def test_the_reference_of_the_stack_file_is_up_to_date() -> None:
    page = reference.PAGE.read_text()
    assert "| `servers.KEY.inRotation` | true, false | true |" in page
    assert page == reference.insert_reference(page), "run: make schema"


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(schema.build_schema())


def test_the_repository_has_three_stack_files() -> None:
    assert [file.name for file in FILES] == ["Pulumi.existing.yaml", "Pulumi.lab.yaml", "Pulumi.prod.yaml"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_stack_file_names_the_schema_and_satisfies_schema_and_program(file: Path) -> None:
    assert file.read_text().startswith(f"# yaml-language-server: $schema={schema.FILE.name}\n")
    content = yaml.safe_load(file.read_text())
    assert not is_refused(content)
    names = re.findall(r"pulumi config set --secret (\w+)", file.read_text())
    secrets = {f"{arguments.PROJECT}:{name}": "x" for name in names}
    assert isinstance(arguments.read_config_block({**content["config"], **secrets}), FarmArgs)


def test_a_lab_needs_at_most_six_keys() -> None:
    config = stack_file("lab")["config"]
    needed = (
        "azure-native:location",
        *(f"{arguments.PROJECT}:{name}" for name in ("namespace", "servers", "operator")),
    )
    secrets = {f"{arguments.PROJECT}:{name}": "x" for name in ("operatorPassword", "adminPassword")}
    six = {**{name: config[name] for name in needed}, **secrets}
    assert len(six) == 6
    arguments.read_config_block(six)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("exchangeVersion",), "2010"),
        (("servers", "ex01", "address"), "10.40.0.256"),
        (("servers", "ex01", "computerName"), "A-NAME-THAT-IS-TOO-LONG"),
        (("servers", "ex01", "colour"), "red"),
        (("namespace", "clientName"), "two.labels"),
        (("namespace", "domain"), "Mail-Domain.com"),
        (("dns",), {"ttlSeconds": 3601}),
        (("ssh",), {"port": 0}),
        (("colour",), "red"),
    ],
)
def test_schema_and_program_refuse_the_same_mistakes(path: tuple[str, ...], value: object) -> None:
    content = copy.deepcopy(stack_file("lab"))
    part = content["config"]
    for step in (f"{arguments.PROJECT}:{path[0]}", *path[1:])[:-1]:
        part = part[step]
    part[path[-1] if len(path) > 1 else f"{arguments.PROJECT}:{path[0]}"] = value
    assert is_refused(content)
    secrets = {f"{arguments.PROJECT}:{name}": "x" for name in ("operatorPassword", "adminPassword")}
    with pytest.raises(arguments.InvalidStackFileError):
        arguments.read_config_block({**content["config"], **secrets})
    assert not is_refused(stack_file("lab")), "the unchanged file is accepted"


def test_schema_and_program_accept_a_row_without_a_value() -> None:
    content = stack_file("lab")
    content["config"] |= {f"{arguments.PROJECT}:{name}": None for name in ("network", "dns", "autoShutdown", "ssh")}
    assert not is_refused(content)
    secrets = {f"{arguments.PROJECT}:{name}": "x" for name in ("operatorPassword", "adminPassword")}
    arguments.read_config_block({**content["config"], **secrets})


def test_pulumi_declares_each_key_with_the_type_that_the_program_reads() -> None:
    project = yaml.safe_load((STACKS.parent / "Pulumi.yaml").read_text())
    properties = schema.describe_row(FarmArgs)["properties"]
    for name, declared in project["config"].items():
        kind = "string" if name in arguments.SECRETS or "enum" in properties[name] else properties[name]["type"]
        kind = "object" if kind == ["object", "null"] else kind
        assert declared["type"] == kind, name
        assert declared["description"], name
    undeclared = properties.keys() - project["config"].keys()
    assert undeclared == {
        "adminPassword",
        "certificate",
        "certificatePassword",
        "certificatePfx",
        "operatorPrivateKey",
        "jumpHostPassword",
        "jumpHostPrivateKey",
        "domain",
        "domainPassword",
        "installation",
        "autoShutdown",
    }
