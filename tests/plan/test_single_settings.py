"""What only one special setting shows: each is laid over a plain stack, and every promise holds of the plan."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.arguments import PROJECT, read_config_block
from tests.plan.plan import Plan
from tests.plan.program import plan
from tests.plan.promises import EVERY
from tests.plan.strategies import HOST_KEY, IMAGES, NETWORKS, SECRET, package

MADE = {key: {"computerName": key.upper(), "address": f"10.40.0.1{key[-1]}"} for key in ("ex01", "ex02")}
REACHED = {key: row | {"publicAddress": True} for key, row in MADE.items()}
FOUND = {
    key: row | {"existing": True, "hostKey": HOST_KEY, "externalAddress": f"198.51.100.1{key[-1]}"}
    for key, row in MADE.items()
}
SUBNET = {"subnetId": f"{NETWORKS}/corp/subnets/exchange"}
LINKED = {"private": {"linkedNetworks": [f"{NETWORKS}/hub"]}}
JUMP = {"jumpHost": {"host": "jump", "user": "jumper", "hostKey": HOST_KEY}}
PACKAGE = {"ssh": package()}
OWN_IMAGE = {"id": f"{IMAGES}images/windows"}
GALLERY_IMAGE = {"id": f"{IMAGES}galleries/all/images/windows"}
SKUS = (None, "2022-datacenter", "2022-datacenter-g2", "hardened-gensecond")


def one(**keys: Any) -> Mapping[str, Any]:
    return keys


SETTINGS: Mapping[str, Mapping[str, Any]] = {
    **{f"image {version}": one(exchangeVersion=version, **PACKAGE) for version in ("2016", "2019", "SE")},
    **{
        f"sku {sku}, launch {launch}": one(
            image={key: value for key, value in (("sku", sku), ("trustedLaunch", launch)) if value is not None}
        )
        for sku, launch in itertools.product(SKUS, (None, True, False))
    },
    **{
        f"image of its own, launch {launch}": one(
            image=(GALLERY_IMAGE if launch else OWN_IMAGE) | ({} if launch is None else {"trustedLaunch": launch})
        )
        for launch in (None, True, False)
    },
    "defaults of nested keys": one(autoShutdown={}, network={}, ssh={}, dns={}, rollout={}, rotation={}, image={}),
    "all in zones": one(servers={key: row | {"zone": key[-1]} for key, row in MADE.items()}),
    "one in a zone": one(servers={**MADE, "ex01": MADE["ex01"] | {"zone": "3", "size": "Standard_E4s_v5"}}),
    "zones and a server that exists": one(servers={"ex01": MADE["ex01"] | {"zone": "1"}, "ex02": FOUND["ex02"]}),
    "a subnet that exists, a zone made here": one(
        network={"subnetId": f"{NETWORKS}/corp/subnets/exchange"}, dns=LINKED
    ),
    "a subnet and a zone that exist": one(
        network={"subnetId": f"{NETWORKS}/corp/subnets/exchange"},
        dns={"private": {"existingResourceGroup": "dns", "linkedNetworks": [f"{NETWORKS}/hub"]}},
    ),
    "a zone that exists and a network made here": one(dns={"private": {"existingResourceGroup": "dns"}}),
    "existing servers, a zone made here": one(servers=FOUND, dns=LINKED),
    "existing servers, a public zone made here": one(servers=FOUND, dns={"public": {}}),
    "existing servers, a zone that exists": one(servers=FOUND, dns={"private": {"existingResourceGroup": "dns"}}),
    "servers of both kinds": one(servers={"ex01": MADE["ex01"], "ex02": FOUND["ex02"]}),
    "restored": one(servers={key: row | {"restoreOnRemove": True} for key, row in FOUND.items()}, dns=LINKED),
    "restored, dialled outside through a jump host": one(
        servers={key: row | {"restoreOnRemove": True} for key, row in FOUND.items()},
        dns=LINKED,
        ssh={"address": "public", **JUMP},
        jumpHostPassword=SECRET,
        operatorPrivateKey=SECRET,
    ),
    "a public zone alone": one(servers=REACHED, dns={"public": {}}),
    "other names outside": one(
        servers=REACHED,
        namespace={"domain": "inside.com", "externalDomain": "outside.com", "externalClientName": "web"},
        dns={"private": {}, "public": {}},
    ),
    "other names outside, published elsewhere": one(
        namespace={"domain": "inside.com", "externalDomain": "outside.com"}
    ),
    "dialled outside": one(servers=REACHED, ssh={"address": "public"}),
    "reached from outside, dialled inside": one(servers=REACHED),
    "a jump host's password": one(ssh=JUMP, jumpHostPassword=SECRET),
    "a jump host's key": one(ssh=JUMP, jumpHostPrivateKey=SECRET),
    "a jump host behind a key": one(ssh=JUMP, jumpHostPrivateKey=SECRET, operatorPrivateKey=SECRET),
    "no Exchange yet": one(configureNamespace=False, servers=REACHED, dns={"private": {}, "public": {}}),
    "one server not configured": one(
        servers={**MADE, "ex02": MADE["ex02"] | {"configureNamespace": False, "inRotation": False}},
        allowSingleServer=True,
    ),
    "host keys pinned": one(servers={key: row | {"hostKey": HOST_KEY} for key, row in MADE.items()}),
    "everything protected": one(servers=REACHED, dns={**LINKED, "public": {}}, protect=True),
    "everything tagged": one(servers=REACHED, dns={**LINKED, "public": {}}, tags={"a": "b"}, autoShutdown={}),
    "a group that exists": one(resourceGroup={"existing": True}, servers=REACHED, dns={"private": {}, "public": {}}),
    "no sources": one(network={"adminSources": [], "clientSources": [], "natGateway": False}),
    "no URLs recycled": one(
        recycleAppPools=False, rejectClosedPorts=True, httpsPort=8443, network={"clientPorts": [8443]}
    ),
}


def config_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain = {
        "namespace": {"domain": "mail-domain.com"},
        "servers": MADE,
        "operator": "CORP\\operator",
        "operatorPassword": SECRET,
        "adminPassword": SECRET,
    }
    return {"azure-native:location": "westeurope"} | {
        f"{PROJECT}:{name}": value for name, value in {**plain, **settings}.items()
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_each_keeps_every_promise(name: str) -> None:
    config = config_of(SETTINGS[name])
    made, farm = plan(config, stack="single"), read_config_block(config)
    breaches = {promise.__name__: list(promise(made, farm)) for promise in EVERY}
    assert {promise: found for promise, found in breaches.items() if found} == {}


def test_keys_left_out_mean_what_the_readme_says() -> None:
    """The defaults once more, as a reader of the README knows them: a promise reads them from the settings."""
    made: Plan = plan(config_of({"autoShutdown": {}}), stack="single")
    assert made.one("cas-group").inputs["resourceGroupName"] == "exchange-cas-single"
    schedule = made.one("cas-ex01-shutdown").inputs
    assert (schedule["dailyRecurrence"], schedule["timeZoneId"]) == ({"time": "1900"}, "UTC")
    assert {one.inputs["ttl"] for one in made.of("PrivateRecordSet").values()} == {300}
    machine = made.one("cas-ex01-vm").inputs
    assert machine["hardwareProfile"] == {"vmSize": "Standard_D4s_v5"}
    assert machine["osProfile"]["adminUsername"] == "casadmin"
    assert machine["storageProfile"]["imageReference"] == {
        "publisher": "MicrosoftWindowsServer",
        "offer": "WindowsServer",
        "sku": "2025-datacenter-g2",
        "version": "latest",
    }
    assert made.one("cas-network").inputs["addressSpace"] == {"addressPrefixes": ["10.40.0.0/16"]}
    assert made.one("cas-subnet").inputs["addressPrefix"] == "10.40.0.0/24"
    assert "natGateway" in made.one("cas-subnet").inputs
    rules = {rule["name"]: rule for rule in made.one("cas-security-group").inputs["securityRules"]}
    assert (
        rules["AllowAdmins"]["sourceAddressPrefix"] == rules["AllowClients"]["sourceAddressPrefix"] == "VirtualNetwork"
    )
    assert rules["AllowAdmins"]["destinationPortRanges"] == ["22"]
    assert rules["AllowClients"]["destinationPortRanges"] == ["443", "80"]
    assert not [one.name for one in made.resources.values() if one.options.get("protect")]
