"""One special setting at a time, on a plain stack: every plan keeps every promise."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.arguments import PROJECT, read_config_block
from tests.plan.plan import RecordedPlan
from tests.plan.program import plan
from tests.plan.promises import EVERY
from tests.plan.strategies import HOST_KEY, IMAGES, NETWORKS, SECRET, openssh_package

CREATED = {key: {"computerName": key.upper(), "address": f"10.40.0.1{key[-1]}"} for key in ("ex01", "ex02")}
PUBLIC = {key: row | {"publicAddress": True} for key, row in CREATED.items()}
EXISTING = {
    key: row | {"existing": True, "hostKey": HOST_KEY, "externalAddress": f"198.51.100.1{key[-1]}"}
    for key, row in CREATED.items()
}
SUBNET = {"subnetId": f"{NETWORKS}/corp/subnets/exchange"}
LINKED = {"private": {"linkedNetworks": [f"{NETWORKS}/hub"]}}
JUMP = {"jumpHost": {"host": "jump", "user": "jumper", "hostKey": HOST_KEY}}
PACKAGE = {"ssh": openssh_package()}
OWN_IMAGE = {"id": f"{IMAGES}images/windows"}
GALLERY_IMAGE = {"id": f"{IMAGES}galleries/all/images/windows"}
SKUS = (None, "2022-datacenter", "2022-datacenter-g2", "hardened-gensecond")


def keys(**keys: Any) -> Mapping[str, Any]:
    return keys


SETTINGS: Mapping[str, Mapping[str, Any]] = {
    **{f"image {version}": keys(exchangeVersion=version, **PACKAGE) for version in ("2016", "2019", "SE")},
    **{
        f"sku {sku}, launch {launch}": keys(
            image={key: value for key, value in (("sku", sku), ("trustedLaunch", launch)) if value is not None}
        )
        for sku, launch in itertools.product(SKUS, (None, True, False))
    },
    **{
        f"own image, launch {launch}": keys(
            image=(GALLERY_IMAGE if launch else OWN_IMAGE) | ({} if launch is None else {"trustedLaunch": launch})
        )
        for launch in (None, True, False)
    },
    "defaults of nested keys": keys(autoShutdown={}, network={}, ssh={}, dns={}, rollout={}, rotation={}, image={}),
    "all in zones": keys(servers={key: row | {"zone": key[-1]} for key, row in CREATED.items()}),
    "one in a zone": keys(servers={**CREATED, "ex01": CREATED["ex01"] | {"zone": "3", "size": "Standard_E4s_v5"}}),
    "zones and an existing server": keys(servers={"ex01": CREATED["ex01"] | {"zone": "1"}, "ex02": EXISTING["ex02"]}),
    "an existing subnet, a new zone": keys(network={"subnetId": f"{NETWORKS}/corp/subnets/exchange"}, dns=LINKED),
    "an existing subnet and an existing zone": keys(
        network={"subnetId": f"{NETWORKS}/corp/subnets/exchange"},
        dns={"private": {"existingResourceGroup": "dns", "linkedNetworks": [f"{NETWORKS}/hub"]}},
    ),
    "an existing zone and a new network": keys(dns={"private": {"existingResourceGroup": "dns"}}),
    "existing servers, a new zone": keys(servers=EXISTING, dns=LINKED),
    "existing servers, a new public zone": keys(servers=EXISTING, dns={"public": {}}),
    "existing servers, an existing zone": keys(servers=EXISTING, dns={"private": {"existingResourceGroup": "dns"}}),
    "servers of both kinds": keys(servers={"ex01": CREATED["ex01"], "ex02": EXISTING["ex02"]}),
    "restored": keys(servers={key: row | {"restoreOnRemove": True} for key, row in EXISTING.items()}, dns=LINKED),
    "restored, dialled outside through a jump host": keys(
        servers={key: row | {"restoreOnRemove": True} for key, row in EXISTING.items()},
        dns=LINKED,
        ssh={"address": "public", **JUMP},
        jumpHostPassword=SECRET,
        operatorPrivateKey=SECRET,
    ),
    "a public zone alone": keys(servers=PUBLIC, dns={"public": {}}),
    "other names outside": keys(
        servers=PUBLIC,
        namespace={"domain": "inside.com", "externalDomain": "outside.com", "externalClientName": "web"},
        dns={"private": {}, "public": {}},
    ),
    "other names outside, published elsewhere": keys(
        namespace={"domain": "inside.com", "externalDomain": "outside.com"}
    ),
    "dialled outside": keys(servers=PUBLIC, ssh={"address": "public"}),
    "reached from outside, dialled inside": keys(servers=PUBLIC),
    "a jump host's password": keys(ssh=JUMP, jumpHostPassword=SECRET),
    "a jump host's key": keys(ssh=JUMP, jumpHostPrivateKey=SECRET),
    "a jump host behind a key": keys(ssh=JUMP, jumpHostPrivateKey=SECRET, operatorPrivateKey=SECRET),
    "no Exchange yet": keys(configureNamespace=False, servers=PUBLIC, dns={"private": {}, "public": {}}),
    "one server not configured": keys(
        servers={**CREATED, "ex02": CREATED["ex02"] | {"configureNamespace": False, "inRotation": False}},
        allowSingleServer=True,
    ),
    "host keys pinned": keys(servers={key: row | {"hostKey": HOST_KEY} for key, row in CREATED.items()}),
    "everything protected": keys(servers=PUBLIC, dns={**LINKED, "public": {}}, protect=True),
    "everything tagged": keys(servers=PUBLIC, dns={**LINKED, "public": {}}, tags={"a": "b"}, autoShutdown={}),
    "an existing resource group": keys(
        resourceGroup={"existing": True}, servers=PUBLIC, dns={"private": {}, "public": {}}
    ),
    "no sources": keys(network={"adminSources": [], "clientSources": [], "natGateway": False}),
    "no application pools recycled": keys(
        recycleAppPools=False, rejectClosedPorts=True, httpsPort=8443, network={"clientPorts": [8443]}
    ),
}


def single_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain = {
        "namespace": {"domain": "mail-domain.com"},
        "servers": CREATED,
        "operator": "CORP\\operator",
        "operatorPassword": SECRET,
        "adminPassword": SECRET,
    }
    return {"azure-native:location": "westeurope"} | {
        f"{PROJECT}:{name}": value for name, value in {**plain, **settings}.items()
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_a_stack_with_one_changed_key_keeps_every_promise(name: str) -> None:
    config = single_config(SETTINGS[name])
    made, farm = plan(config, stack="single"), read_config_block(config)
    breaches = {promise.__name__: list(promise(made, farm)) for promise in EVERY}
    assert {promise: found for promise, found in breaches.items() if found} == {}


def test_keys_that_are_left_out_have_the_documented_defaults() -> None:
    """The defaults as documented, written out: a promise would read them from the arguments."""
    made: RecordedPlan = plan(single_config({"autoShutdown": {}}), stack="single")
    assert made.find("cas-group").inputs["resourceGroupName"] == "exchange-cas-single"
    schedule = made.find("cas-ex01-shutdown").inputs
    assert (schedule["dailyRecurrence"], schedule["timeZoneId"]) == ({"time": "1900"}, "UTC")
    assert {one.inputs["ttl"] for one in made.of_type("PrivateRecordSet").values()} == {300}
    machine = made.find("cas-ex01-vm").inputs
    assert machine["hardwareProfile"] == {"vmSize": "Standard_D4s_v5"}
    assert machine["osProfile"]["adminUsername"] == "casadmin"
    assert machine["storageProfile"]["imageReference"] == {
        "publisher": "MicrosoftWindowsServer",
        "offer": "WindowsServer",
        "sku": "2025-datacenter-g2",
        "version": "latest",
    }
    assert made.find("cas-network").inputs["addressSpace"] == {"addressPrefixes": ["10.40.0.0/16"]}
    assert made.find("cas-subnet").inputs["addressPrefix"] == "10.40.0.0/24"
    assert "natGateway" in made.find("cas-subnet").inputs
    rules = {rule["name"]: rule for rule in made.find("cas-security-group").inputs["securityRules"]}
    assert (
        rules["AllowAdmins"]["sourceAddressPrefix"] == rules["AllowClients"]["sourceAddressPrefix"] == "VirtualNetwork"
    )
    assert rules["AllowAdmins"]["destinationPortRanges"] == ["22"]
    assert rules["AllowClients"]["destinationPortRanges"] == ["443", "80"]
    assert not [one.name for one in made.resources.values() if one.options.get("protect")]
