"""The azure-native stand-in as a provider: check, diff, previews, secrets, the state that stays."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi_azure_native as sdk
import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.stand_ins.azure_native import AzureNative
from rehearsal.stand_ins.azure_native.diff import merge_drift
from rehearsal.stand_ins.azure_native.resource_types import RESOURCE_TYPES
from rehearsal.stand_ins.provider.values import read_plain_values, write_struct
from tests.unit.azure_native import (
    GROUP_ID,
    Azure,
    interface,
    machine,
    make_machine,
    make_network,
    network,
    records,
    urn,
)
from tests.unit.provider_client import UNKNOWN, secret

pytestmark = pytest.mark.unit


def test_a_name_left_out_is_the_logical_name_and_eight_digits_of_the_seed(azure: Azure) -> None:
    first = azure.check("network:VirtualNetwork", {"resourceGroupName": "lab"}, name="net", seed=b"a")
    again = azure.check("network:VirtualNetwork", {"resourceGroupName": "lab"}, name="net", seed=b"a")
    other = azure.check("network:VirtualNetwork", {"resourceGroupName": "lab"}, name="net", seed=b"b")
    name = first.inputs["virtualNetworkName"]
    assert name.startswith("net")
    assert len(name) == len("net") + 8
    int(name.removeprefix("net"), 16)
    assert name == again.inputs["virtualNetworkName"] != other.inputs["virtualNetworkName"]


def test_a_name_once_given_is_kept(azure: Azure) -> None:
    olds = {"resourceGroupName": "lab", "virtualNetworkName": "net0a1b2c3d", "__createBeforeDelete": True}
    kept = azure.checked("network:VirtualNetwork", {"resourceGroupName": "lab"}, olds=olds, name="net")
    assert kept["virtualNetworkName"] == "net0a1b2c3d"
    assert kept["__createBeforeDelete"] is True


def test_a_child_copies_the_logical_name(azure: Azure) -> None:
    inputs = {"resourceGroupName": "lab", "zoneName": "mail-domain.com", "recordType": "A"}
    assert azure.checked("dns:RecordSet", inputs, name="cas-owa-a")["relativeRecordSetName"] == "cas-owa-a"


def test_location_comes_from_the_old_inputs_then_the_config_then_the_group(azure: Azure) -> None:
    group = {"resourceGroupName": "lab"}
    olds = {"resourceGroupName": "lab", "virtualNetworkName": "n", "location": "uksouth"}
    assert azure.checked("network:VirtualNetwork", group, olds=olds)["location"] == "uksouth"
    assert azure.checked("network:VirtualNetwork", group)["location"] == "westeurope"
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab", "location": "northeurope"})
    azure.configure()
    assert azure.checked("network:VirtualNetwork", group)["location"] == "northeurope"
    unknown = azure.checked("network:VirtualNetwork", {"resourceGroupName": UNKNOWN})
    assert unknown["location"] == UNKNOWN


def test_the_inputs_carry_the_api_version(azure: Azure) -> None:
    assert azure.checked("network:VirtualNetwork", network())["azureApiVersion"] == "2024-05-01"


def test_the_api_version_of_each_type_is_the_one_the_sdk_names() -> None:
    for entry in RESOURCE_TYPES.values():
        module, name = entry.type.split(":")
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        getter = getattr(getattr(sdk, module), f"get{snake.replace('_i_p_', '_ip_')}")
        assert f"Uses Azure REST API version {entry.api_version}." in (getter.__doc__ or ""), entry.type


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"colour": "red"}, "'colour' is not a property that azure-native knows here"),
        ({"osProfile": {"nick": "x"}}, "'osProfile.nick' is not a property that azure-native knows here"),
        ({"zones": "1"}, "'zones' should be an array but got str"),
        ({"zones": [1]}, "'zones[0]' should be a string but got int"),
        ({"tags": {"a": True}}, "'tags.a' should be a string but got bool"),
        ({"priority": "Cheap"}, "'priority' must be one of Regular, Low, Spot, not 'Cheap'"),
        ({"platformFaultDomain": 1.5}, "'platformFaultDomain' should be a whole number but got float"),
        ({"platformFaultDomain": True}, "'platformFaultDomain' should be a whole number but got bool"),
        ({"osProfile": [1]}, "'osProfile' should be an object but got list"),
        ({"storageProfile": {"osDisk": {}}}, "missing required property 'storageProfile.osDisk.createOption'"),
    ],
)
def test_what_the_sdks_types_refuse_is_a_check_failure(azure: Azure, inputs: dict[str, Any], reason: str) -> None:
    assert azure.reasons("compute:VirtualMachine", {"resourceGroupName": "lab", **inputs}) == [reason]


def test_a_missing_required_property_is_a_check_failure(azure: Azure) -> None:
    assert azure.reasons("network:Subnet", {"resourceGroupName": "lab"}) == [
        "missing required property 'virtualNetworkName'"
    ]


@pytest.mark.parametrize("name", ["mail.", "mail group", "g" * 91])
def test_a_resource_group_of_a_name_that_azure_has_not_is_a_check_failure(azure: Azure, name: str) -> None:
    (reason,) = azure.reasons("resources:ResourceGroup", {"resourceGroupName": name})
    assert reason.startswith("'resourceGroupName' must match")
    assert azure.reasons("resources:ResourceGroup", {"resourceGroupName": "g" * 80 + "m.(1)_-"}) == []


def test_unknown_values_pass_the_check(azure: Azure) -> None:
    assert azure.reasons("compute:VirtualMachine", {"resourceGroupName": UNKNOWN, "osProfile": UNKNOWN}) == []


def test_a_type_that_is_not_stood_in_for_is_refused_by_name(azure: Azure) -> None:
    with pytest.raises(grpc.RpcError, match="no resource type azure-native:storage:StorageAccount"):
        azure.check("storage:StorageAccount", {})


def test_a_path_parameter_and_a_create_only_property_replace_other_changes_update(azure: Azure) -> None:
    olds = network(location="westeurope", tags={"a": "1"})
    found = azure.diff("network:VirtualNetwork", olds, olds | {"virtualNetworkName": "other", "tags": {"a": "2"}})
    assert list(found.replaces) == ["virtualNetworkName"]
    assert found.deleteBeforeReplace
    assert found.detailedDiff["tags.a"].kind == provider_pb2.PropertyDiff.UPDATE
    moved = azure.diff("network:VirtualNetwork", olds, olds | {"location": "uksouth"})
    assert list(moved.replaces) == ["location"]


def test_a_randomly_named_resource_is_created_before_the_old_one_goes(azure: Azure) -> None:
    olds = network(location="westeurope", __createBeforeDelete=True)
    found = azure.diff("network:VirtualNetwork", olds, olds | {"location": "uksouth"})
    assert list(found.replaces) == ["location"]
    assert not found.deleteBeforeReplace


def test_a_location_in_another_spelling_is_no_change(azure: Azure) -> None:
    olds = network(location="westeurope")
    found = azure.diff("network:VirtualNetwork", olds, olds | {"location": "West Europe"})
    assert found.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_notes_of_azure_native_itself_are_no_change(azure: Azure) -> None:
    found = azure.diff("network:VirtualNetwork", network(__createBeforeDelete=True), network())
    assert found.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_diff_names_the_record_that_came(azure: Azure) -> None:
    found = azure.diff("dns:RecordSet", records("10.0.1.10"), records("10.0.1.10", "10.0.1.11"))
    assert {path: change.kind for path, change in found.detailedDiff.items()} == {
        "aRecords[1]": provider_pb2.PropertyDiff.ADD
    }
    assert not found.replaces
    assert not found.deleteBeforeReplace


def test_the_name_of_a_record_set_and_its_zone_replace(azure: Azure) -> None:
    olds = records("10.0.1.10")
    for name, value in {"relativeRecordSetName": "mail", "zoneName": "other.com", "recordType": "AAAA"}.items():
        assert list(azure.diff("dns:RecordSet", olds, olds | {name: value}).replaces) == [name]


def test_a_preview_promises_inputs_and_nothing_that_azure_makes(azure: Azure) -> None:
    request = provider_pb2.CreateRequest(
        urn=urn("compute:VirtualMachine", "x"),
        properties=write_struct(azure.checked("compute:VirtualMachine", machine(UNKNOWN))),
        preview=True,
    )
    foreseen, _ = read_plain_values(azure.provider.Create(request).properties)
    assert foreseen["hardwareProfile"] == {"vmSize": "Standard_D2s_v5"}
    assert foreseen["vmId"] == foreseen["name"] == foreseen["provisioningState"] == UNKNOWN
    assert not azure.stand_in.subscription.resources


def test_identities_go_in_as_a_list_and_come_out_as_a_map_also_in_a_preview(azure: Azure) -> None:
    identity_id = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    make_network(azure)
    azure.stand_in.subscription.put_existing(identity_id, {})
    identity = {"type": "UserAssigned", "userAssignedIdentities": [identity_id]}
    _, outputs = make_machine(azure, identity=identity)
    assert list(outputs["identity"]["userAssignedIdentities"]) == [identity_id]
    properties = write_struct(azure.checked("compute:VirtualMachine", machine(UNKNOWN, identity=identity)))
    request = provider_pb2.CreateRequest(urn=urn("compute:VirtualMachine", "x"), properties=properties, preview=True)
    assert read_plain_values(azure.provider.Create(request).properties)[0]["identity"] == UNKNOWN


def test_an_update_returns_all_outputs_not_only_the_inputs(azure: Azure) -> None:
    make_network(azure)
    id, created = azure.create("network:NetworkInterface", interface())
    updated = azure.update("network:NetworkInterface", id, interface() | {"tags": {"a": "b"}})
    assert updated["name"] == "nic"
    assert updated["macAddress"] == created["macAddress"]
    assert updated["tags"] == {"a": "b"}


def test_outputs_of_secret_inputs_stay_secret_and_the_password_is_in_no_output(azure: Azure, tmp_path: Path) -> None:
    make_network(azure)
    interface_id, _ = azure.create("network:NetworkInterface", interface())
    inputs = machine(interface_id, tags=secret({"owner": "nobody-knows"}))
    inputs["osProfile"]["adminPassword"] = secret("Correct-Horse-1")
    checked = azure.check("compute:VirtualMachine", inputs)
    assert read_plain_values(checked.inputs)[1] == {("tags",), ("osProfile", "adminPassword")}
    request = provider_pb2.CreateRequest(urn=urn("compute:VirtualMachine", "x"), properties=checked.inputs)
    outputs, secrets = read_plain_values(azure.provider.Create(request).properties)
    assert secrets == {("tags",)}
    assert "adminPassword" not in outputs["osProfile"]
    assert "Correct-Horse-1" not in (tmp_path / "subscription.json").read_text()


def test_the_engine_is_told_that_secrets_and_previews_are_understood(azure: Azure) -> None:
    answer = azure.configure(location="westeurope")
    assert answer.acceptSecrets
    assert answer.supportsPreview


def test_reading_what_is_gone_gives_an_empty_id_and_deleting_it_succeeds(azure: Azure) -> None:
    id, _ = azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    azure.delete(id)
    azure.delete(id)
    assert azure.read("resources:ResourceGroup", id).id == ""


def test_a_refresh_carries_a_change_made_in_azure_into_the_inputs_and_nothing_else(azure: Azure) -> None:
    make_network(azure)
    inputs = azure.checked("network:VirtualNetwork", network(virtualNetworkName="two"))
    id, outputs = azure.create("network:VirtualNetwork", inputs)
    same = azure.read("network:VirtualNetwork", id, inputs=inputs, outputs=outputs)
    assert read_plain_values(same.inputs)[0] == inputs
    azure.update("network:VirtualNetwork", id, inputs | {"tags": {"by": "hand"}})
    drifted = azure.read("network:VirtualNetwork", id, inputs=inputs, outputs=outputs)
    assert read_plain_values(drifted.inputs)[0] == inputs | {"tags": {"by": "hand"}}


def test_a_refresh_of_a_list_carries_over_only_what_changed_in_its_entries(azure: Azure) -> None:
    make_network(azure)
    inputs = azure.checked("network:NetworkInterface", interface())
    id, outputs = azure.create("network:NetworkInterface", inputs)
    azure.update("network:NetworkInterface", id, interface("10.0.1.99"))
    drifted, _ = read_plain_values(azure.read("network:NetworkInterface", id, inputs=inputs, outputs=outputs).inputs)
    assert drifted == azure.checked("network:NetworkInterface", interface("10.0.1.99"))


def test_a_spelling_that_azure_returns_in_its_own_way_is_no_drift() -> None:
    inputs, outputs = {"zones": ["West Europe"]}, {"zones": ["westeurope"]}
    assert merge_drift(inputs, outputs, outputs) == inputs
    assert merge_drift(["West Europe", "a"], ["westeurope", "a"], ["westeurope", "b"]) == ["West Europe", "b"]


def test_an_import_reads_the_inputs_out_of_azure(azure: Azure) -> None:
    make_network(azure)
    id, _ = azure.create("network:VirtualNetwork", network(virtualNetworkName="two"))
    found, _ = read_plain_values(azure.read("network:VirtualNetwork", id).inputs)
    assert found["resourceGroupName"] == "lab"
    assert found["virtualNetworkName"] == "two"
    assert found["addressSpace"] == {"addressPrefixes": ["10.0.0.0/16"]}


def test_the_subscription_outlives_the_process_in_a_file_of_its_owner(azure: Azure, tmp_path: Path) -> None:
    make_network(azure)
    state = tmp_path / "subscription.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert {entry["id"] for entry in json.loads(state.read_text())["resources"]} >= {GROUP_ID}
    assert AzureNative(state).subscription.resources == azure.stand_in.subscription.resources


def test_cancel_drops_nothing(azure: Azure) -> None:
    make_network(azure)
    azure.cancel()
    assert azure.stand_in.subscription.exists(GROUP_ID)


def test_calls_of_the_engine_are_kept(azure: Azure) -> None:
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"}, name="cas")
    assert [call.method for call in azure.stand_in.calls] == ["Configure", "Check", "Create"]
    assert azure.stand_in.calls[-1].subject == urn("resources:ResourceGroup", "cas")


def test_a_getter_answers_for_what_was_there_before_and_404_otherwise(azure: Azure) -> None:
    zone = f"{GROUP_ID}/providers/Microsoft.Network/dnszones/mail-domain.com"
    azure.stand_in.subscription.put_existing(zone, {"location": "global"})
    arguments = {"resourceGroupName": "lab", "zoneName": "Mail-Domain.com"}
    assert azure.invoke("dns:getZone", arguments)["id"] == zone
    with pytest.raises(grpc.RpcError, match="ResourceNotFound"):
        azure.invoke("dns:getZone", {"resourceGroupName": "lab", "zoneName": "other.com"})
    with pytest.raises(grpc.RpcError, match="no function azure-native:storage:getBlob"):
        azure.invoke("storage:getBlob", {})


@pytest.mark.parametrize("type", RESOURCE_TYPES)
def test_every_type_has_an_id_that_leads_back_to_it(type: str) -> None:
    entry = RESOURCE_TYPES[type]
    parameters = {name: f"a-{name}" for name in entry.parameters}
    assert entry.match(entry.id("s", parameters)) == parameters | {"subscriptionId": "s"}


def test_the_case_of_a_resource_groups_name_is_no_difference_and_that_of_another_name_is(azure: Azure) -> None:
    olds = network()
    assert azure.diff("network:VirtualNetwork", olds, network(resourceGroupName="LAB")).changes == (
        provider_pb2.DiffResponse.DIFF_NONE
    )
    assert list(azure.diff("network:VirtualNetwork", olds, network(virtualNetworkName="NETWORK")).replaces) == [
        "virtualNetworkName"
    ]
