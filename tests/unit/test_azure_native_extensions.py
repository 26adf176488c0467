"""JsonADDomainExtension in the Azure stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from rehearsal.stand_ins.domain import JoinRequest
from tests.unit.azure_native import Azure, make_machine, make_network

pytestmark = pytest.mark.unit

EXTENSION = "compute:VirtualMachineExtension"
PASSWORD = "canary-of-the-join-7"  # noqa: S105
SETTINGS = {"Name": "corp.example", "User": "CORP\\joiner", "Restart": "true", "Options": "3"}


def extension(**other: Any) -> dict[str, Any]:
    names = {"resourceGroupName": "lab", "vmName": "ex01", "vmExtensionName": "JoinDomain"}
    handler = {"publisher": "Microsoft.Compute", "type": "JsonADDomainExtension", "typeHandlerVersion": "1.3"}
    secret = {"protectedSettings": {"Password": PASSWORD}}
    return names | handler | {"autoUpgradeMinorVersion": True, "settings": SETTINGS} | secret | other


@pytest.fixture
def vm_id(azure: Azure) -> str:
    make_network(azure)
    return make_machine(azure)[0]


def test_the_machine_joins_with_the_settings_of_the_extension(azure: Azure, vm_id: str) -> None:
    azure.create(EXTENSION, extension(settings=SETTINGS | {"OUPath": "OU=Mail,DC=corp,DC=example"}))
    request = JoinRequest(
        name="corp.example", account="CORP\\joiner", password=PASSWORD, ou_path="OU=Mail,DC=corp,DC=example"
    )
    assert azure.machines.joined == [(vm_id, request, True)]


def test_azure_never_shows_the_password(azure: Azure, vm_id: str, tmp_path: Path) -> None:
    id, outputs = azure.create(EXTENSION, extension())
    kept = "".join(file.read_text(encoding="utf-8") for file in tmp_path.rglob("*.json"))
    assert id in kept
    assert vm_id in kept
    assert PASSWORD not in f"{outputs}{kept}{azure.read(EXTENSION, id)}"


def test_a_failed_join_tells_one_sentence_and_stays_for_the_next_try(azure: Azure, vm_id: str) -> None:
    azure.machines.joins = False
    with pytest.raises(grpc.RpcError, match=r"Exception\(s\) occured while joining Domain 'corp.example'") as refused:
        azure.create(EXTENSION, extension())
    assert PASSWORD not in str(refused.value)
    assert azure.stand_in.subscription.exists(f"{vm_id}/extensions/JoinDomain")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settings": {**SETTINGS, "name": "corp.example"}}, "missing or unknown: name"),
        ({"settings": {key: value for key, value in SETTINGS.items() if key != "User"}}, "missing or unknown: User"),
        ({"settings": {**SETTINGS, "Restart": True}}, "must be texts: Restart"),
        ({"settings": {**SETTINGS, "Options": 3}}, "must be texts: Options"),
        ({"settings": {**SETTINGS, "OUPath": ""}}, "must be texts: OUPath"),
        ({"settings": {**SETTINGS, "Options": "7"}}, "Options is one of 1, 3"),
        ({"protectedSettings": {"password": "x"}}, "Password, a text, alone"),
        ({"protectedSettings": None}, "Password, a text, alone"),
        ({"typeHandlerVersion": "1.3.0"}, "could not be found in the extension repository"),
        ({"type": "CustomScriptExtension"}, "runs Microsoft.Compute.JsonADDomainExtension only"),
        ({"location": "uksouth"}, "not in the location of its virtual machine"),
    ],
)
@pytest.mark.usefixtures("vm_id")
def test_an_extension_that_azure_or_the_extension_refuses(azure: Azure, change: dict[str, Any], code: str) -> None:
    with pytest.raises(grpc.RpcError, match=code):
        azure.create(EXTENSION, extension(**change))
    assert azure.machines.joined == []


@pytest.mark.usefixtures("vm_id")
def test_a_machine_takes_one_extension_of_a_type(azure: Azure) -> None:
    azure.create(EXTENSION, extension())
    with pytest.raises(grpc.RpcError, match="Multiple VMExtensions per handler not supported"):
        azure.create(EXTENSION, extension(vmExtensionName="JoinAgain"))


def test_an_extension_of_a_stopped_machine_cannot_be_changed_or_deleted(azure: Azure, vm_id: str) -> None:
    id, _ = azure.create(EXTENSION, extension())
    azure.stand_in.subscription.stop_machine(vm_id)
    with pytest.raises(grpc.RpcError, match="when the VM is not running"):
        azure.update(EXTENSION, id, extension())
    with pytest.raises(grpc.RpcError, match="when the VM is not running"):
        azure.delete(id)
    azure.delete(vm_id)
    assert not azure.stand_in.subscription.exists(id)
