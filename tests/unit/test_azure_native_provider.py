"""The azure-native stand-in as a provider: previews, secrets, refresh, import, state."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.stand_ins.azure_native import AzureNative
from rehearsal.stand_ins.azure_native.diff import merge_drift
from rehearsal.stand_ins.provider.values import read_plain_values, write_struct
from tests.unit.azure_native import (
    GROUP_ID,
    Azure,
    interface,
    machine,
    make_machine,
    make_network,
    network,
    urn,
)
from tests.unit.provider_client import UNKNOWN, secret

pytestmark = pytest.mark.unit


def test_a_preview_shows_inputs_and_leaves_what_azure_creates_unknown(azure: Azure) -> None:
    request = provider_pb2.CreateRequest(
        urn=urn("compute:VirtualMachine", "x"),
        properties=write_struct(azure.checked("compute:VirtualMachine", machine(UNKNOWN))),
        preview=True,
    )
    foreseen, _ = read_plain_values(azure.provider.Create(request).properties)
    assert foreseen["hardwareProfile"] == {"vmSize": "Standard_D2s_v5"}
    assert foreseen["vmId"] == foreseen["name"] == foreseen["provisioningState"] == UNKNOWN
    assert not azure.stand_in.subscription.resources


def test_identities_are_a_list_as_input_and_a_map_as_output(azure: Azure) -> None:
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


def test_outputs_of_secret_inputs_are_secret_and_no_output_has_the_password(azure: Azure, tmp_path: Path) -> None:
    make_network(azure)
    interface_id, _ = azure.create("network:NetworkInterface", interface())
    inputs = machine(interface_id, tags=secret({"owner": "a-secret-owner"}))
    inputs["osProfile"]["adminPassword"] = secret("Correct-Horse-1")
    checked = azure.check("compute:VirtualMachine", inputs)
    assert read_plain_values(checked.inputs)[1] == {("tags",), ("osProfile", "adminPassword")}
    request = provider_pb2.CreateRequest(urn=urn("compute:VirtualMachine", "x"), properties=checked.inputs)
    outputs, secrets = read_plain_values(azure.provider.Create(request).properties)
    assert secrets == {("tags",)}
    assert "adminPassword" not in outputs["osProfile"]
    assert "Correct-Horse-1" not in (tmp_path / "subscription.json").read_text()


def test_the_provider_accepts_secrets_and_supports_previews(azure: Azure) -> None:
    answer = azure.configure(location="westeurope")
    assert answer.acceptSecrets
    assert answer.supportsPreview


def test_a_deleted_resource_reads_as_an_empty_id_and_can_be_deleted_again(azure: Azure) -> None:
    id, _ = azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"})
    azure.delete(id)
    azure.delete(id)
    assert azure.read("resources:ResourceGroup", id).id == ""


def test_a_refresh_copies_only_changes_made_in_azure_into_the_inputs(azure: Azure) -> None:
    make_network(azure)
    inputs = azure.checked("network:VirtualNetwork", network(virtualNetworkName="two"))
    id, outputs = azure.create("network:VirtualNetwork", inputs)
    same = azure.read("network:VirtualNetwork", id, inputs=inputs, outputs=outputs)
    assert read_plain_values(same.inputs)[0] == inputs
    azure.update("network:VirtualNetwork", id, inputs | {"tags": {"by": "hand"}})
    drifted = azure.read("network:VirtualNetwork", id, inputs=inputs, outputs=outputs)
    assert read_plain_values(drifted.inputs)[0] == inputs | {"tags": {"by": "hand"}}


def test_a_refresh_of_a_list_copies_only_the_changed_parts_of_its_entries(azure: Azure) -> None:
    make_network(azure)
    inputs = azure.checked("network:NetworkInterface", interface())
    id, outputs = azure.create("network:NetworkInterface", inputs)
    azure.update("network:NetworkInterface", id, interface("10.0.1.99"))
    drifted, _ = read_plain_values(azure.read("network:NetworkInterface", id, inputs=inputs, outputs=outputs).inputs)
    assert drifted == azure.checked("network:NetworkInterface", interface("10.0.1.99"))


def test_a_value_that_azure_spells_in_another_way_is_not_drift() -> None:
    inputs, outputs = {"zones": ["West Europe"]}, {"zones": ["westeurope"]}
    assert merge_drift(inputs, outputs, outputs) == inputs
    assert merge_drift(["West Europe", "a"], ["westeurope", "a"], ["westeurope", "b"]) == ["West Europe", "b"]


def test_an_import_reads_the_inputs_from_azure(azure: Azure) -> None:
    make_network(azure)
    id, _ = azure.create("network:VirtualNetwork", network(virtualNetworkName="two"))
    found, _ = read_plain_values(azure.read("network:VirtualNetwork", id).inputs)
    assert found["resourceGroupName"] == "lab"
    assert found["virtualNetworkName"] == "two"
    assert found["addressSpace"] == {"addressPrefixes": ["10.0.0.0/16"]}


def test_the_subscription_is_kept_in_a_file_that_only_its_owner_can_read(azure: Azure, tmp_path: Path) -> None:
    make_network(azure)
    state = tmp_path / "subscription.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert {entry["id"] for entry in json.loads(state.read_text())["resources"]} >= {GROUP_ID}
    assert AzureNative(state).subscription.resources == azure.stand_in.subscription.resources


def test_cancel_drops_nothing(azure: Azure) -> None:
    make_network(azure)
    azure.cancel()
    assert azure.stand_in.subscription.exists(GROUP_ID)


def test_the_engines_calls_are_logged(azure: Azure) -> None:
    azure.create("resources:ResourceGroup", {"resourceGroupName": "lab"}, name="cas")
    assert [call.method for call in azure.stand_in.calls] == ["Configure", "Check", "Create"]
    assert azure.stand_in.calls[-1].subject == urn("resources:ResourceGroup", "cas")


def test_a_getter_finds_existing_resources_and_answers_404_for_others(azure: Azure) -> None:
    zone = f"{GROUP_ID}/providers/Microsoft.Network/dnszones/mail-domain.com"
    azure.stand_in.subscription.put_existing(zone, {"location": "global"})
    arguments = {"resourceGroupName": "lab", "zoneName": "Mail-Domain.com"}
    assert azure.invoke("dns:getZone", arguments)["id"] == zone
    with pytest.raises(grpc.RpcError, match="ResourceNotFound"):
        azure.invoke("dns:getZone", {"resourceGroupName": "lab", "zoneName": "other.com"})
    with pytest.raises(grpc.RpcError, match="no function azure-native:storage:getBlob"):
        azure.invoke("storage:getBlob", {})
