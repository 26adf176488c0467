"""Runs of __main__.py: mistakes and warnings about a stack file, previews, stopped machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import asyncssh
import pulumi
import pytest

from components import shell
from stacks.arguments import PROJECT
from tests.plan import stack_files
from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN, plan
from tests.plan.recorder import COMPUTED, HOST_KEY_OF
from tests.plan.strategies import HOST_KEY
from tests.plan.wire import UNKNOWN, MarkedSecret, strip_secrets

SERVERS = f"{PROJECT}:servers"


@pytest.mark.parametrize("stack", stack_files.STACKS)
def test_a_preview_registers_the_same_and_differs_in_unknown_values_only(
    stack: str, plans: dict[str, RecordedPlan]
) -> None:
    foreseen, made = plan(stack_files.read_stack_config(stack), stack=stack, preview=True), plans[stack]
    assert foreseen.resources.keys() == made.resources.keys()
    for urn, one in made.resources.items():
        before = foreseen.resources[urn]
        assert before.options == one.options, one.name
        assert foreseen.all_dependencies(before) == made.all_dependencies(one), one.name
        assert list(find_differences(before.inputs, one.inputs, one.name)) == []


def find_differences(foreseen: Any, made: Any, path: str) -> Iterator[str]:
    if foreseen is UNKNOWN or (isinstance(foreseen, MarkedSecret) and foreseen.value is UNKNOWN):
        return
    if isinstance(foreseen, MarkedSecret) and isinstance(made, MarkedSecret):
        yield from find_differences(foreseen.value, made.value, path)
    elif isinstance(foreseen, Mapping) and isinstance(made, Mapping) and foreseen.keys() == made.keys():
        for key in made:
            yield from find_differences(foreseen[key], made[key], f"{path}.{key}")
    elif isinstance(foreseen, list) and isinstance(made, list) and len(foreseen) == len(made):
        for index, part in enumerate(made):
            yield from find_differences(foreseen[index], part, f"{path}[{index}]")
    elif foreseen != made:
        yield f"{path}: {foreseen!r}, then {made!r}"


def test_a_preview_of_a_new_stack_shows_the_names_inside_and_no_id() -> None:
    made = plan(stack_files.read_stack_config("made-here"), stack="made-here", preview=True)
    records = made.find("cas-mail-a").inputs["aRecords"]
    assert records == [{"ipv4Address": "10.41.2.11"}, {"ipv4Address": "10.41.2.12"}]
    assert made.find("cas-webmail-a").inputs["aRecords"] == [{"ipv4Address": UNKNOWN}, {"ipv4Address": UNKNOWN}]
    assert made.find("cas-ex01-vm").inputs["networkProfile"]["networkInterfaces"][0]["id"] is UNKNOWN
    assert HOST_KEY_OF not in {call.token for call in made.calls}, "no machine exists yet"


def test_a_preview_of_a_key_logon_keeps_the_documents_secret() -> None:
    made = plan(stack_files.read_stack_config("made-here"), stack="made-here", preview=True)
    for name in ("cas-ex01-rotation", "cas-ex01-namespace"):
        assert isinstance(made.find(name).inputs["stdin"], MarkedSecret)


def test_a_stopped_machine_is_an_error_that_names_it_and_the_remedy() -> None:
    config = stack_files.read_stack_config("lab")
    with pytest.raises(ValueError, match=r"no SSH host key of EX0[12].*hostKey"):
        plan(config, host_keys=False)


@pytest.mark.parametrize("printed", ["", "Property of CORP", 'Property of CORP\n{\n  "settings": {}\n}'])
def test_an_unreadable_report_removes_no_output(printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMPUTED, "command:remote:Command", lambda _: {"stdout": printed, "stderr": ""})
    made = plan(stack_files.read_stack_config("lab"))
    for row in strip_secrets(made.outputs["servers"]).values():
        assert "AutoRun" in row["lastChanges"]
        assert row["namespaceUrn"]


def test_a_machine_whose_host_key_is_pinned_may_be_stopped() -> None:
    config = stack_files.read_stack_config("lab")
    pinned = {key: {**row, "hostKey": HOST_KEY} for key, row in config[SERVERS].items()}
    made = plan({**config, SERVERS: pinned}, host_keys=False)
    assert made.calls == []
    assert strip_secrets(made.find("cas-ex01-namespace").inputs["connection"])["hostKey"] == HOST_KEY


@pytest.mark.parametrize(("stack", "name"), [("made-here", "operatorPrivateKey"), ("joined", "jumpHostPrivateKey")])
def test_a_private_key_with_a_passphrase_is_an_error_that_names_it_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, stack: str, name: str
) -> None:
    protected = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key("pkcs1-pem", "phrase").decode()
    monkeypatch.setitem(GIVEN, name, protected)
    with pytest.raises(pulumi.RunError, match=f"{name} is protected by a passphrase.*ssh-keygen") as refused:
        plan(stack_files.read_stack_config(stack), stack=stack)
    assert protected.splitlines()[4] not in str(refused.value)


@pytest.mark.parametrize("missing", ["", "None"])
def test_a_server_without_a_public_address_is_never_dialled(missing: str) -> None:
    with pytest.raises(pulumi.RunError, match="no public address for EX01"):
        shell.require_public_address("EX01", missing)


def test_a_mistake_is_an_error_that_names_its_key() -> None:
    config = stack_files.read_stack_config("lab") | {f"{PROJECT}:dns": {"ttlSecond": 60}, f"{PROJECT}:servars": {}}
    with pytest.raises(pulumi.RunError, match=re.compile(r"dns\.ttlSecond.*servars|servars.*dns\.ttlSecond", re.S)):
        plan(config)


def test_a_secret_in_plain_is_refused_without_being_shown() -> None:
    config = stack_files.read_stack_config("lab") | {f"{PROJECT}:adminPassword": "plain and simple"}
    with pytest.raises(pulumi.RunError, match="adminPassword: is not encrypted") as refused:
        plan(config)
    assert "plain and simple" not in str(refused.value)


def test_an_unwise_value_gives_a_warning() -> None:
    config = stack_files.read_stack_config("lab") | {f"{PROJECT}:dns": {"ttlSeconds": 3600}}
    (warning,) = plan(config).log.warnings
    assert "dns.ttlSeconds = 3600" in warning
    warnings = plan(stack_files.read_stack_config("lab"), stack="production").log.warnings
    assert [warning for warning in warnings if "protect" in warning], "the stack's name means production"
