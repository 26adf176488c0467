"""What a stack file may change after an `up`: refused before a run is what Azure refuses in the middle of one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from components.args import FarmArgs
from stacks import arguments, changes
from tests.unit.good_stack_file import GOOD, HOST_KEY, NETWORK, Edit, change_keys, change_server

pytestmark = pytest.mark.unit

CORP = NETWORK.format("network", "corp")
SUBNET = f"{CORP}/subnets/exchange"
# What an `up` of GOOD leaves in the outputs.
LAST: dict[str, Any] = {
    "servers": {key: {"computerName": key.upper(), "address": f"10.40.0.1{key[-1]}"} for key in ("ex01", "ex02")},
    "azure": {
        "subnetId": NETWORK.format("exchange-cas-lab", "cas-network") + "/subnets/servers",
        "subnetPrefix": "10.40.0.0/24",
        "linkedNetworks": [NETWORK.format("hubs", "Hub"), NETWORK.format("hubs", "spoke")],
        "resourceGroups": ["Dns", "exchange-cas-lab"],
    },
}
IN_CORP: dict[str, Any] = LAST | {"azure": {"subnetId": SUBNET, "subnetPrefix": None, "linkedNetworks": []}}


def continued(edit: Edit, last: dict[str, Any]) -> FarmArgs:
    values = copy.deepcopy(GOOD)
    edit(values)
    return changes.reconcile_with_last_up(arguments.read_arguments(values, location="westeurope"), last)


def refused(edit: Edit, last: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(arguments.InvalidStackFileError) as error:
        continued(edit, last)
    return {problem.key: str(problem) for problem in error.value.problems}


def in_subnet(id: str) -> Edit:
    return change_keys(network={"subnetId": id})


def rows(**servers: dict[str, Any]) -> Edit:
    return change_keys(servers=servers)


def links(*ids: str) -> Edit:
    return change_keys(dns={"private": {"linkedNetworks": list(ids)}})


@pytest.mark.parametrize(
    ("edit", "last", "key", "said"),
    [
        (in_subnet(SUBNET), LAST, "network.subnetId", "cannot move a virtual machine"),
        (lambda _: None, IN_CORP, "network.subnetId", f"whose subnet is {SUBNET}"),
        (in_subnet(SUBNET.replace("/corp/", "/branch/")), IN_CORP, "network.subnetId", "cannot move a virtual machine"),
        (
            in_subnet(SUBNET.replace("/network/", "/other/")),
            IN_CORP,
            "network.subnetId",
            "cannot move a virtual machine",
        ),
        (change_keys(network={"subnetPrefix": "10.40.0.0/25"}), LAST, "network.subnetPrefix", "is not 10.40.0.0/24"),
        (
            rows(
                ex01={"computerName": "EX01", "address": "10.40.0.12"},
                ex02={"computerName": "EX02", "address": "10.40.0.11"},
            ),
            LAST,
            "servers.ex01.address",
            "belongs to ex02 until a run has freed it",
        ),
        (
            rows(ex01=GOOD["servers"]["ex01"], ex03={"computerName": "EX03", "address": "10.40.0.12"}),
            LAST,
            "servers.ex03.address",
            "`pulumi up` without this change of ex03 first",
        ),
        (
            rows(ex01=GOOD["servers"]["ex01"], ex03={"computerName": "ex02", "address": "10.40.0.13"}),
            LAST,
            "servers.ex03.computerName",
            "belongs to ex02",
        ),
    ],
)
def test_what_azure_would_refuse_in_the_middle_of_a_run(edit: Edit, last: dict[str, Any], key: str, said: str) -> None:
    assert said in refused(edit, last)[key]


DISK = {"lun": 0, "sizeGib": 512}
PREMIUM = DISK | {"sku": "Premium_LRS"}
WITH_A_DISK: dict[str, Any] = LAST | {"servers": {"ex01": LAST["servers"]["ex01"] | {"dataDisks": [PREMIUM]}}}


@pytest.mark.parametrize(
    ("disks", "key", "said"),
    [
        ([DISK | {"sizeGib": 511}], "servers.ex01.dataDisks.sizeGib", "less than the 512 GiB of LUN 0"),
        ([DISK | {"sku": "Premium_ZRS"}], "servers.ex01.dataDisks.sku", "is not Premium_LRS, the kind of LUN 0"),
        ([DISK | {"sizeGib": 513}, {"lun": 1, "sizeGib": 4, "sku": "Premium_ZRS"}], None, None),
        ([], None, None),
    ],
)
def test_a_disk_grows_and_keeps_its_kind(disks: list[dict[str, Any]], key: str | None, said: str | None) -> None:
    edit = change_server("ex01", dataDisks=disks)
    if key and said:
        assert said in refused(edit, WITH_A_DISK)[key]
    else:
        continued(edit, WITH_A_DISK)


NEW = {key: {"computerName": key.upper(), "address": f"10.40.0.2{key[-1]}"} for key in ("new1", "new2")}
FOUND = {"existing": True, "hostKey": HOST_KEY}


@pytest.mark.parametrize(
    ("edit", "last"),
    [
        pytest.param(lambda _: None, {}, id="the first up"),
        pytest.param(lambda _: None, {"servers": LAST["servers"]}, id="outputs of an earlier version"),
        pytest.param(lambda _: None, LAST, id="nothing changed"),
        pytest.param(
            change_keys(network={"addressSpace": "10.40.0.0/20"}), LAST, id="an address space that holds the subnet"
        ),
        pytest.param(in_subnet(SUBNET.replace("exchange", "other")), IN_CORP, id="another subnet of the network"),
        pytest.param(
            change_keys(network={"subnetId": SUBNET}, servers=NEW), LAST, id="another network for new servers"
        ),
        pytest.param(
            change_keys(network={"subnetId": SUBNET, "subnetPrefix": "10.40.0.0/16"}),
            IN_CORP,
            id="the prefix of their subnet",
        ),
        pytest.param(change_server("ex01", address="10.40.0.31"), LAST, id="a free address"),
        pytest.param(change_server("ex01", computerName="EX09"), LAST, id="a free name"),
        pytest.param(
            change_keys(
                servers={
                    "ex01": {"computerName": "EX02", "address": "10.40.0.12", **FOUND},
                    "ex02": {"computerName": "EX01", "address": "10.40.0.11", **FOUND},
                },
                dns={"private": {"existingResourceGroup": "dns"}},
                network={"subnetPrefix": "10.9.0.0/24", "addressSpace": "10.9.0.0/16"},
            ),
            LAST,
            id="servers that exist already",
        ),
    ],
)
def test_what_azure_changes(edit: Edit, last: dict[str, Any]) -> None:
    continued(edit, last)


def test_names_and_ids_that_differ_in_case_alone_keep_the_spelling_of_the_last_up() -> None:
    farm = continued(change_server("ex01", computerName="Ex01"), LAST)
    assert [row.computer_name for row in farm.servers.values()] == ["EX01", "EX02"]
    farm = continued(in_subnet(SUBNET.replace("/corp/", "/CORP/").replace("/network/", "/Network/")), IN_CORP)
    assert farm.network.subnet_id == SUBNET
    spoke, hub = NETWORK.format("Hubs", "SPOKE"), NETWORK.format("elsewhere", "hub")
    farm = continued(links(spoke, hub, NETWORK.format("hubs", "New")), LAST)
    assert farm.dns.private
    assert farm.dns.private.linked_networks == (
        NETWORK.format("hubs", "spoke"),
        # Another network: its link still has the name of the one before.
        NETWORK.format("elsewhere", "Hub"),
        NETWORK.format("hubs", "New"),
    )


def test_resource_groups_that_differ_in_case_alone_keep_their_spelling() -> None:
    zone = {"existingResourceGroup": "DNS"}
    values = {"dns": {"private": zone, "public": zone}, "resourceGroup": {"name": "Exchange-CAS-Lab"}}
    edit = change_keys(**values, servers={key: row | {"publicAddress": True} for key, row in GOOD["servers"].items()})
    farm = continued(edit, LAST)
    assert farm.dns.private
    assert farm.dns.public
    assert (farm.dns.private.existing_resource_group, farm.dns.public.existing_resource_group) == ("Dns", "Dns")
    assert farm.resource_group.name == "exchange-cas-lab"


def test_a_server_that_exists_is_called_as_the_stack_file_says() -> None:
    farm = continued(
        change_keys(
            servers={key: row | FOUND | {"computerName": key} for key, row in GOOD["servers"].items()},
            dns={"private": {"existingResourceGroup": "dns"}},
        ),
        LAST,
    )
    assert [row.computer_name for row in farm.servers.values()] == ["ex01", "ex02"]
