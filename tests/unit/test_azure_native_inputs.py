"""Which inputs the Azure stand-in fills in, refuses, and how it names their differences."""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]
import pulumi_azure_native as sdk
import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.stand_ins.azure_native.resource_types import RESOURCE_TYPES
from tests.unit.azure_native import (
    Azure,
    network,
    records,
)
from tests.unit.provider_client import UNKNOWN

pytestmark = pytest.mark.unit


def test_a_missing_name_becomes_the_logical_name_and_eight_digits_from_the_seed(azure: Azure) -> None:
    first = azure.check("network:VirtualNetwork", {"resourceGroupName": "lab"}, name="net", seed=b"a")
    again = azure.check("network:VirtualNetwork", {"resourceGroupName": "lab"}, name="net", seed=b"a")
    other = azure.check("network:VirtualNetwork", {"resourceGroupName": "lab"}, name="net", seed=b"b")
    name = first.inputs["virtualNetworkName"]
    assert name.startswith("net")
    assert len(name) == len("net") + 8
    int(name.removeprefix("net"), 16)
    assert name == again.inputs["virtualNetworkName"] != other.inputs["virtualNetworkName"]


def test_a_generated_name_is_kept(azure: Azure) -> None:
    olds = {"resourceGroupName": "lab", "virtualNetworkName": "net0a1b2c3d", "__createBeforeDelete": True}
    kept = azure.checked("network:VirtualNetwork", {"resourceGroupName": "lab"}, olds=olds, name="net")
    assert kept["virtualNetworkName"] == "net0a1b2c3d"
    assert kept["__createBeforeDelete"] is True


def test_a_child_resource_gets_the_logical_name(azure: Azure) -> None:
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
def test_an_input_that_the_sdks_types_refuse_is_a_check_failure(
    azure: Azure, inputs: dict[str, Any], reason: str
) -> None:
    assert azure.reasons("compute:VirtualMachine", {"resourceGroupName": "lab", **inputs}) == [reason]


def test_a_missing_required_property_is_a_check_failure(azure: Azure) -> None:
    assert azure.reasons("network:Subnet", {"resourceGroupName": "lab"}) == [
        "missing required property 'virtualNetworkName'"
    ]


@pytest.mark.parametrize("name", ["mail.", "mail group", "g" * 91])
def test_an_invalid_resource_group_name_is_a_check_failure(azure: Azure, name: str) -> None:
    (reason,) = azure.reasons("resources:ResourceGroup", {"resourceGroupName": name})
    assert reason.startswith("'resourceGroupName' must match")
    assert azure.reasons("resources:ResourceGroup", {"resourceGroupName": "g" * 80 + "m.(1)_-"}) == []


def test_unknown_values_pass_the_check(azure: Azure) -> None:
    assert azure.reasons("compute:VirtualMachine", {"resourceGroupName": UNKNOWN, "osProfile": UNKNOWN}) == []


def test_an_unsupported_resource_type_is_refused_by_name(azure: Azure) -> None:
    with pytest.raises(grpc.RpcError, match="no resource type azure-native:storage:StorageAccount"):
        azure.check("storage:StorageAccount", {})


@pytest.mark.parametrize("type", RESOURCE_TYPES)
def test_each_types_id_is_parsed_as_that_type(type: str) -> None:
    entry = RESOURCE_TYPES[type]
    parameters = {name: f"a-{name}" for name in entry.parameters}
    assert entry.match(entry.id("s", parameters)) == parameters | {"subscriptionId": "s"}


def test_changed_path_parameters_and_create_only_properties_replace_and_others_update(azure: Azure) -> None:
    olds = network(location="westeurope", tags={"a": "1"})
    found = azure.diff("network:VirtualNetwork", olds, olds | {"virtualNetworkName": "other", "tags": {"a": "2"}})
    assert list(found.replaces) == ["virtualNetworkName"]
    assert found.deleteBeforeReplace
    assert found.detailedDiff["tags.a"].kind == provider_pb2.PropertyDiff.UPDATE
    moved = azure.diff("network:VirtualNetwork", olds, olds | {"location": "uksouth"})
    assert list(moved.replaces) == ["location"]


def test_a_randomly_named_resource_is_created_before_the_old_one_is_deleted(azure: Azure) -> None:
    olds = network(location="westeurope", __createBeforeDelete=True)
    found = azure.diff("network:VirtualNetwork", olds, olds | {"location": "uksouth"})
    assert list(found.replaces) == ["location"]
    assert not found.deleteBeforeReplace


def test_a_location_in_another_spelling_is_not_a_change(azure: Azure) -> None:
    olds = network(location="westeurope")
    found = azure.diff("network:VirtualNetwork", olds, olds | {"location": "West Europe"})
    assert found.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_azure_natives_internal_notes_are_not_changes(azure: Azure) -> None:
    found = azure.diff("network:VirtualNetwork", network(__createBeforeDelete=True), network())
    assert found.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_diff_names_the_added_record(azure: Azure) -> None:
    found = azure.diff("dns:RecordSet", records("10.0.1.10"), records("10.0.1.10", "10.0.1.11"))
    assert {path: change.kind for path, change in found.detailedDiff.items()} == {
        "aRecords[1]": provider_pb2.PropertyDiff.ADD
    }
    assert not found.replaces
    assert not found.deleteBeforeReplace


def test_a_changed_name_zone_or_type_replaces_a_record_set(azure: Azure) -> None:
    olds = records("10.0.1.10")
    for name, value in {"relativeRecordSetName": "mail", "zoneName": "other.com", "recordType": "AAAA"}.items():
        assert list(azure.diff("dns:RecordSet", olds, olds | {name: value}).replaces) == [name]


def test_letter_case_is_ignored_in_the_resource_groups_name_only(azure: Azure) -> None:
    olds = network()
    assert azure.diff("network:VirtualNetwork", olds, network(resourceGroupName="LAB")).changes == (
        provider_pb2.DiffResponse.DIFF_NONE
    )
    assert list(azure.diff("network:VirtualNetwork", olds, network(virtualNetworkName="NETWORK")).replaces) == [
        "virtualNetworkName"
    ]
