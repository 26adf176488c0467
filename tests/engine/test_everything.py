"""A stack that uses what the three stack files leave at its default, and what changing it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from tests.engine.conftest import Start
from tests.engine.looks import PROJECT, differences, promised_settings, resolve

pytestmark = pytest.mark.engine

LAB = "lab.mail-domain.com"
SERVERS = f"{PROJECT}:servers"
HUB = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub"


def everything(config: dict[str, Any]) -> None:
    """Own zones inside and outside, public addresses that are dialled, an existing group, one server that exists."""
    config[SERVERS]["ex01"] |= {"publicAddress": True, "zone": "1"}
    config[SERVERS]["ex02"] |= {"publicAddress": True}
    config[SERVERS]["old"] = {
        "computerName": "OLD",
        "address": "10.16.0.9",
        "externalAddress": "10.16.0.99",
        "existing": True,
        "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa",
    }
    config[f"{PROJECT}:dns"] = {"ttlSeconds": 60, "public": None, "private": {"linkedNetworks": [HUB]}}
    config[f"{PROJECT}:ssh"] = {"address": "public"}
    config[f"{PROJECT}:network"] = {"natGateway": False, "clientSources": ["Internet"], "dnsServers": ["10.40.0.4"]}
    config[f"{PROJECT}:resourceGroup"] = {"name": "messaging", "existing": True}


def vm_id(lab: Rehearsal, name: str) -> str:
    found = lab.azure.subscription.resources.items()
    return next(str(body["vmId"]) for id, body in found if id.endswith(f"/virtualMachines/{name}"))


def test_a_stack_that_sets_every_optional_key_is_deployed_and_destroyed(deployed: Start) -> None:
    lab = deployed("lab", everything)
    for name in ("EX01", "EX02", "OLD"):
        assert differences(lab, name, promised_settings(LAB)) == {}
    inside, ttl = resolve(lab.private_dns, f"owa.{LAB}")
    assert (inside, ttl) == ({"127.40.0.11", "127.40.0.12", "127.16.0.9"}, 60)
    outside, _ = resolve(lab.public_dns, f"autodiscover.{LAB}")
    made = {row["publicAddress"] for row in lab.stack.outputs()["servers"].values()}
    assert outside == made
    assert "127.16.0.99" in outside
    links = [id for id in lab.azure.subscription.resources if "/virtualNetworkLinks/" in id]
    assert len(links) == 2, "the hub and the network made here"
    assert lab.stack.up().changes == []
    lab.stack.destroy()
    assert lab.left_over() == []
    assert HUB in lab.azure.subscription.resources


def test_a_network_of_the_stack_is_linked_to_an_existing_private_zone(start: Start) -> None:
    def shared_zone(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:configureNamespace"] = False
        config[f"{PROJECT}:dns"] = {"private": {"existingResourceGroup": "dns"}}

    lab = start("lab", shared_zone)
    lab.stack.up()
    resources = lab.azure.subscription.resources
    ((link, body),) = ((id, body) for id, body in resources.items() if "/virtualNetworkLinks/" in id)
    assert f"/resourceGroups/dns/providers/Microsoft.Network/privateDnsZones/{LAB}/" in link
    assert body["virtualNetwork"]["id"].endswith("/virtualNetworks/cas-network")
    lab.stack.destroy()
    assert lab.left_over() == []


@pytest.mark.parametrize(
    ("image", "trusted_launch"), [("images/2012r2", False), ("galleries/own/images/2012r2/versions/1.0.0", True)]
)
def test_a_lab_of_exchange_2013_is_deployed_from_a_custom_image(start: Start, image: str, trusted_launch: bool) -> None:
    id = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/images/providers/Microsoft.Compute/{image}"

    def own_image(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:exchangeVersion"] = "2013"
        config[f"{PROJECT}:image"] = {"id": id, "trustedLaunch": trusted_launch}
        config[f"{PROJECT}:ssh"] = {"packageUrl": "https://files.example/OpenSSH.zip", "packageSha256": "0" * 64}

    lab = start("lab", own_image)
    lab.stack.up()
    for name in ("EX01", "EX02"):
        assert differences(lab, name, promised_settings(LAB)) == {}
    assert resolve(lab.private_dns, f"owa.{LAB}")[0] == {"127.40.0.11", "127.40.0.12"}
    machines = [body for id, body in lab.azure.subscription.resources.items() if "/virtualMachines/" in id]
    assert {body["storageProfile"]["imageReference"]["id"] for body in machines if "storageProfile" in body} == {id}
    lab.stack.destroy()
    assert lab.left_over() == []


def test_a_renamed_namespace_gets_its_new_names_before_the_old_ones_are_deleted(deployed: Start) -> None:
    existing = deployed("existing")
    existing.certificates.renew(f"{label}.mail-domain.com" for label in ("owa", "mail", "autodiscover"))
    existing.stack.change(lambda config: config[f"{PROJECT}:namespace"].update(clientName="mail"))
    order = [(step.operation, step.name) for step in existing.stack.up().changes]
    assert order.index(("create", "cas-mail-a")) < order.index(("delete", "cas-owa-a"))
    assert resolve(existing.private_dns, "mail.mail-domain.com")[0] == {"127.16.0.11", "127.16.0.12"}
    held = existing.organisation.settings("ex-cas16-1")
    assert held["owa"]["InternalUrl"] == "https://mail.mail-domain.com/owa"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"computerName": "EX09"}, id="another computer name"),
        pytest.param({"zone": "2"}, id="another zone"),
    ],
)
def test_a_change_that_azure_refuses_creates_a_new_server_and_changes_no_other(
    deployed: Start, change: dict[str, str]
) -> None:
    lab = deployed("lab", everything)
    old = vm_id(lab, "EX01")
    lab.stack.change(lambda config: config[SERVERS]["ex01"].update(change))
    changed = lab.stack.up().changed()
    name = change.get("computerName", "EX01")
    assert vm_id(lab, name) != old
    assert differences(lab, name, promised_settings(LAB)) == {}
    assert not any(resource.startswith(("cas-ex02", "cas-old")) for resource in changed)
    assert lab.stack.up().changes == []


def test_a_new_size_is_a_change_of_the_same_server(deployed: Start) -> None:
    lab = deployed("lab")
    connections = lab.datacentre.connections()
    lab.stack.change(lambda config: config[SERVERS]["ex01"].update(size="Standard_D4s_v5"))
    assert lab.stack.up().changed() == {"cas-ex01-vm": "update"}
    assert lab.datacentre.connections() == connections


def test_a_stopped_virtual_machine_fails_the_preview_unless_its_host_key_is_pinned(deployed: Start) -> None:
    lab = deployed("lab")
    keys = {name: row["hostKey"] for name, row in lab.stack.outputs()["servers"].items()}
    [run_command] = [id for id in lab.azure.subscription.resources if id.endswith("/EX02/runCommands/EnableOpenSsh")]
    lab.azure.subscription.hide(run_command, {"instanceView": None})
    with pytest.raises(CommandFailedError, match="no SSH host key of EX02") as caught:
        lab.stack.preview()
    assert "hostKey" in str(caught.value)

    def pin(config: dict[str, Any]) -> None:
        for name, key in keys.items():
            config[SERVERS][name]["hostKey"] = key

    lab.stack.change(pin)
    lab.datacentre.servers["EX02"].stop()
    assert lab.stack.up().changes == []


def test_a_server_without_exchange_delays_no_other_server(deployed: Start) -> None:
    lab = deployed("lab")
    lab.datacentre.install_exchange = False

    def add(config: dict[str, Any]) -> None:
        row = {"computerName": "EX00", "address": "127.40.0.10", "inRotation": False, "configureNamespace": False}
        config[SERVERS]["ex00"] = row

    lab.stack.change(add)
    changed = lab.stack.up().changed()
    assert {name for name in changed if name.startswith("cas-")} == {
        "cas-ex00",
        "cas-ex00-nic",
        "cas-ex00-vm",
        "cas-ex00-ssh",
        "cas-ex00-shutdown",
    }


def test_a_protected_resource_is_deleted_only_in_the_way_that_the_readme_describes(deployed: Start) -> None:
    prod = deployed("prod")
    resources = json.loads(prod.stack.state())["checkpoint"]["latest"]["resources"]
    protected = {row["urn"].rpartition("::")[2] for row in resources if row.get("protect")}
    machines = {f"cas-{key}-vm" for key in ("ex01", "ex02", "ex03")}
    assert protected == {"cas-group", "cas-owa-a", "cas-autodiscover-a", *machines}
    prod.stack.change(lambda config: config[SERVERS].pop("ex03"))
    with pytest.raises(CommandFailedError, match="protected"):
        prod.stack.up()
    prod.stack.run("state", "unprotect", prod.stack.urn("cas-ex03-vm"), "--yes", "--stack", prod.stack.name)
    assert prod.stack.up().changed()["cas-ex03-vm"] == "delete"
    prod.stack.change(lambda config: config.update({f"{PROJECT}:protect": False}))
    prod.stack.up()
    prod.stack.destroy()
    assert prod.left_over() == []
