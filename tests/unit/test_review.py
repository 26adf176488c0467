"""What a review says about addresses, settings, resources and costs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit import previews
from tests.unit.previews import (
    DRAINED,
    NAT,
    ONE,
    PUBLIC,
    RECORDS,
    SERVER,
    TWO,
    UNKNOWN,
    Review,
    change,
    command,
    events,
    find_row,
    machine,
    records,
    step,
)

pytestmark = pytest.mark.unit


def test_a_name_is_listed_with_its_old_and_new_addresses_and_their_servers(review: Review) -> None:
    cells = find_row(review(change(DRAINED)).stdout, "`owa.mail-domain.com`")
    assert cells == [
        "`owa.mail-domain.com`",
        "inside",
        f"`{ONE}` (ex01), ~~`{TWO}` (ex02)~~",
        f"`{ONE}` (ex01)",
        "300 s",
    ]


def test_a_public_name_is_marked_outside_and_a_new_address_bold(review: Review) -> None:
    text = review(change(records("update", [ONE], [ONE, TWO], type=PUBLIC, ttl=60))).stdout
    assert find_row(text, "`owa")[1:4] == ["outside", f"`{ONE}` (ex01)", f"`{ONE}` (ex01), **`{TWO}` (ex02)**"]


def test_the_name_of_a_zone_that_the_run_creates_comes_from_its_step(review: Review) -> None:
    zone = step("create", RECORDS, previews.PRIVATE_ZONE, "cas-zone", None, {"privateZoneName": "new.example"})
    text = review(change(zone, records("create", None, [ONE, TWO], zone=UNKNOWN))).stdout
    assert find_row(text, "`owa.new.example`")[2] == "no record set"


def test_a_setting_is_listed_with_old_new_and_all_servers_with_the_same_change(review: Review) -> None:
    old = {"server": "EX01", "settings": {"ews": {"ExternalUrl": "https://a.example/EWS"}, "owa": {"X": 1}}}
    new = {"server": "EX01", "settings": {"ews": {"ExternalUrl": "https://b.example/EWS"}, "owa": {"X": 1}}}
    steps = [command("update", key, "namespace", old, new) for key in ("ex01", "ex02")]
    text = review(change(*steps)).stdout
    assert find_row(text, "`ex01`, `ex02`")[1:] == [
        "`ews.ExternalUrl`",
        "`https://a.example/EWS`",
        "`https://b.example/EWS`",
    ]
    assert "owa.X" not in text


def test_the_property_that_forces_a_replacement_is_named(review: Review) -> None:
    forced = {"storageProfile.imageReference.sku": {"kind": "update-replace"}, "tags.a": {"kind": "update"}}
    text = review(change(machine("replace", "ex02", detailedDiff=forced))).stdout
    assert "`storageProfile.imageReference.sku` cannot be changed in place" in text
    by_hand = review(change(machine("replace", "ex02", replaceReasons=["id"]))).stdout
    assert "requested with `--replace`" in by_hand


@pytest.mark.parametrize(
    "reasons",
    [
        {"diffReasons": ["triggers"]},
        {"diffReasons": ["triggers"], "detailedDiff": {"triggers[0]": {"kind": "update-replace", "inputDiff": False}}},
    ],
)
def test_a_changed_trigger_is_the_reason_to_run_a_command_again(review: Review, reasons: dict[str, Any]) -> None:
    text = review(change(command("replace", "ex02", "rotation", {}, {}, **reasons))).stdout
    assert "the server goes into or out of rotation" in text


def test_a_resource_deleted_with_another_names_it(review: Review) -> None:
    vm = machine("replace", "ex02", replaceReasons=["id"])
    ssh = step("replace", SERVER, "azure-native:compute:VirtualMachineRunCommandByVirtualMachine", "cas-ex02-ssh")
    ssh["newState"]["deletedWith"] = vm["urn"]
    assert "the virtual machine that it belongs to is deleted" in review(change(vm, ssh)).stdout


def test_costs_are_listed_for_what_is_added_removed_or_resized(review: Review) -> None:
    resized = machine("update", "ex02")
    resized["newState"]["inputs"] = {"hardwareProfile": {"vmSize": "Standard_D8s_v5"}}
    text = review(change(machine("create", "ex01"), resized, step("delete", RECORDS, NAT, "cas-outbound"))).stdout
    assert "**+** virtual machine and its disk: `cas-ex01-vm (Standard_D4s_v5)`" in text
    assert "from `Standard_D4s_v5` to `Standard_D8s_v5`" in text
    assert "**-** NAT gateway: `cas-outbound`" in text
    assert "### Costs" in text
    assert "### Costs" not in review(change(DRAINED)).stdout


def test_a_server_whose_two_commands_have_the_same_change_is_named_once(review: Review) -> None:
    old, new = {"exchangeVersion": "2019"}, {"exchangeVersion": "SE"}
    steps = [command("update", key, what, old, new) for key in ("ex01", "ex02") for what in ("namespace", "rotation")]
    cells = find_row(review(change(*steps)).stdout, "`ex01`, `ex02`")
    assert cells == ["`ex01`, `ex02`", "`exchangeVersion`", "`2019`", "`SE`"]


def test_record_sets_inside_and_outside_with_one_name_are_one_subject(review: Review) -> None:
    both = [records("delete", [ONE], None, type=type, old={"protect": True}) for type in (PUBLIC, previews.PRIVATE)]
    text = review(change(*both)).stdout
    assert "**`protected-deleted`**: `cas-owa-a`. " in text


@pytest.mark.parametrize("parent", [SERVER, "urn:pulumi:prod::p::exchange-cas:index:"])
def test_an_unknown_operation_is_named_and_refused(review: Review, parent: str) -> None:
    strange = step("froB", parent, "exchange-cas:index:Thing" if parent != SERVER else NAT, "cas-outbound")
    for content in (change(strange), "\n".join(events(change(strange))).encode()):
        result = review(content, "--strict")
        assert result.exit_code == 1
        assert "**`unknown-operation`**: `cas-outbound`. The engine plans `froB`, an operation that" in result.stdout
        assert "| `froB` |" in result.stdout
        assert "1 `froB`." in result.stdout
    accepted = review(change(strange), "--strict", "--allow", "unknown-operation=it is a rename")
    assert accepted.exit_code == 0


def test_an_unknown_operation_beside_a_known_one_of_the_same_resource_is_refused(review: Review) -> None:
    steps = [step(operation, SERVER, NAT, "cas-outbound") for operation in ("update", "froB", "replace")]
    assert review(change(*steps), "--strict").exit_code == 1


@pytest.mark.parametrize("operation", ["read", "refresh", "discard", "remove-pending-replace"])
def test_operations_on_the_state_only_are_not_changes(review: Review, operation: str) -> None:
    assert "**Nothing changes**" in review(change(step(operation, SERVER, NAT, "cas-outbound")), "--strict").stdout


def test_a_preview_without_changes_names_the_names_and_servers(review: Review) -> None:
    text = review(change()).stdout
    assert "**Nothing changes**" in text
    assert "`autodiscover.mail-domain.com`, `owa.mail-domain.com`, served by `ex01`, `ex02`" in text
    assert "### Resources" not in text


def test_a_secret_script_input_is_shown_as_one_row(review: Review) -> None:
    changed = command("update", "ex01", "namespace", "[secret]", "[secret]", detailedDiff={"stdin": {"kind": "update"}})
    assert find_row(review(change(changed)).stdout, "`ex01`")[1:] == [
        "`(the whole script input is secret)`",
        "`[secret]`",
        "`[secret]`",
    ]
