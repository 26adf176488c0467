"""Changes of a stack file after an `up`: those that Azure cannot make are refused before the run."""

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
# The outputs of an `up` of GOOD.
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


def reconcile(edit: Edit, last: dict[str, Any]) -> FarmArgs:
    values = copy.deepcopy(GOOD)
    edit(values)
    return changes.reconcile_with_last_up(arguments.read_arguments(values, location="westeurope"), last)


def find_refusals(edit: Edit, last: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(arguments.InvalidStackFileError) as error:
        reconcile(edit, last)
    return {problem.key: str(problem) for problem in error.value.problems}


def in_subnet(id: str) -> Edit:
    return change_keys(network={"subnetId": id})


def replace_servers(**servers: dict[str, Any]) -> Edit:
    return change_keys(servers=servers)


def link_networks(*ids: str) -> Edit:
    return change_keys(dns={"private": {"linkedNetworks": list(ids)}})


@pytest.mark.parametrize(
    ("edit", "last", "key", "remedy"),
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
            replace_servers(
                ex01={"computerName": "EX01", "address": "10.40.0.12"},
                ex02={"computerName": "EX02", "address": "10.40.0.11"},
            ),
            LAST,
            "servers.ex01.address",
            "belongs to ex02 until the end of a run",
        ),
        (
            replace_servers(ex01=GOOD["servers"]["ex01"], ex03={"computerName": "EX03", "address": "10.40.0.12"}),
            LAST,
            "servers.ex03.address",
            "`pulumi up` without this change of ex03 first",
        ),
        (
            replace_servers(ex01=GOOD["servers"]["ex01"], ex03={"computerName": "ex02", "address": "10.40.0.13"}),
            LAST,
            "servers.ex03.computerName",
            "belongs to ex02",
        ),
    ],
)
def test_a_change_that_azure_refuses_is_refused_before_the_run(
    edit: Edit, last: dict[str, Any], key: str, remedy: str
) -> None:
    assert remedy in find_refusals(edit, last)[key]


DISK = {"lun": 0, "sizeGib": 512}
PREMIUM = DISK | {"sku": "Premium_LRS"}
WITH_A_DISK: dict[str, Any] = LAST | {"servers": {"ex01": LAST["servers"]["ex01"] | {"dataDisks": [PREMIUM]}}}


@pytest.mark.parametrize(
    ("disks", "key", "remedy"),
    [
        ([DISK | {"sizeGib": 511}], "servers.ex01.dataDisks.sizeGib", "less than the 512 GiB of LUN 0"),
        ([DISK | {"sku": "Premium_ZRS"}], "servers.ex01.dataDisks.sku", "is not Premium_LRS, the type of LUN 0"),
        ([DISK | {"sizeGib": 513}, {"lun": 1, "sizeGib": 4, "sku": "Premium_ZRS"}], None, None),
        ([], None, None),
    ],
)
def test_a_disk_may_grow_but_not_shrink_or_change_its_kind(
    disks: list[dict[str, Any]], key: str | None, remedy: str | None
) -> None:
    edit = change_server("ex01", dataDisks=disks)
    if key and remedy:
        assert remedy in find_refusals(edit, WITH_A_DISK)[key]
    else:
        reconcile(edit, WITH_A_DISK)


NEW_SERVERS = {key: {"computerName": key.upper(), "address": f"10.40.0.2{key[-1]}"} for key in ("new1", "new2")}
EXISTING = {"existing": True, "hostKey": HOST_KEY}


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
            change_keys(network={"subnetId": SUBNET}, servers=NEW_SERVERS), LAST, id="another network with new servers"
        ),
        pytest.param(
            change_keys(network={"subnetId": SUBNET, "subnetPrefix": "10.40.0.0/16"}),
            IN_CORP,
            id="the prefix of an existing subnet",
        ),
        pytest.param(change_server("ex01", address="10.40.0.31"), LAST, id="a free address"),
        pytest.param(change_server("ex01", computerName="EX09"), LAST, id="a free name"),
        pytest.param(
            change_keys(
                servers={
                    "ex01": {"computerName": "EX02", "address": "10.40.0.12", **EXISTING},
                    "ex02": {"computerName": "EX01", "address": "10.40.0.11", **EXISTING},
                },
                dns={"private": {"existingResourceGroup": "dns"}},
                network={"subnetPrefix": "10.9.0.0/24", "addressSpace": "10.9.0.0/16"},
            ),
            LAST,
            id="existing servers",
        ),
    ],
)
def test_a_change_that_azure_can_make_is_accepted(edit: Edit, last: dict[str, Any]) -> None:
    reconcile(edit, last)


def test_names_and_ids_that_differ_only_in_case_keep_the_spelling_of_the_last_up() -> None:
    farm = reconcile(change_server("ex01", computerName="Ex01"), LAST)
    assert [row.computer_name for row in farm.servers.values()] == ["EX01", "EX02"]
    farm = reconcile(in_subnet(SUBNET.replace("/corp/", "/CORP/").replace("/network/", "/Network/")), IN_CORP)
    assert farm.network.subnet_id == SUBNET
    spoke, hub = NETWORK.format("Hubs", "SPOKE"), NETWORK.format("elsewhere", "hub")
    farm = reconcile(link_networks(spoke, hub, NETWORK.format("hubs", "New")), LAST)
    assert farm.dns.private
    assert farm.dns.private.linked_networks == (
        NETWORK.format("hubs", "spoke"),
        # Another network, whose link keeps the name of the old one.
        NETWORK.format("elsewhere", "Hub"),
        NETWORK.format("hubs", "New"),
    )


def test_resource_groups_that_differ_only_in_case_keep_their_spelling() -> None:
    zone = {"existingResourceGroup": "DNS"}
    values = {"dns": {"private": zone, "public": zone}, "resourceGroup": {"name": "Exchange-CAS-Lab"}}
    edit = change_keys(**values, servers={key: row | {"publicAddress": True} for key, row in GOOD["servers"].items()})
    farm = reconcile(edit, LAST)
    assert farm.dns.private
    assert farm.dns.public
    assert (farm.dns.private.existing_resource_group, farm.dns.public.existing_resource_group) == ("Dns", "Dns")
    assert farm.resource_group.name == "exchange-cas-lab"


def test_an_existing_server_has_the_computer_name_of_the_stack_file() -> None:
    farm = reconcile(
        change_keys(
            servers={key: row | EXISTING | {"computerName": key} for key, row in GOOD["servers"].items()},
            dns={"private": {"existingResourceGroup": "dns"}},
        ),
        LAST,
    )
    assert [row.computer_name for row in farm.servers.values()] == ["ex01", "ex02"]


NAME = "corp.mail-domain.com"


def read_with_domain(rows: dict[str, Any], **domain: Any) -> FarmArgs:
    """GOOD with a domain to join, and with these changes of the servers' rows."""
    values = copy.deepcopy(GOOD) | {"domainPassword": "not-shown-3", "network": {"dnsServers": ["10.40.1.4"]}}
    values["domain"] = {"name": NAME, "account": "CORP\\joiner"} | domain
    for key, row in rows.items():
        values["servers"][key] = values["servers"].get(key, {}) | row
    return arguments.read_arguments(values, location="westeurope")


def joined_at_last_up(*keys: str, name: str = NAME) -> dict[str, Any]:
    """The outputs of an `up` that joined these servers."""
    return LAST | {
        "servers": {key: row | ({"domain": name} if key in keys else {}) for key, row in LAST["servers"].items()}
    }


EX03 = {"computerName": "EX03", "address": "10.40.0.13"}


@pytest.mark.parametrize(
    ("rows", "last", "joining"),
    [
        pytest.param({}, {}, {"ex01", "ex02"}, id="the first up"),
        pytest.param({}, joined_at_last_up("ex01", "ex02"), {"ex01", "ex02"}, id="joined earlier"),
        pytest.param({}, LAST, set(), id="a domain for machines that exist"),
        pytest.param({"ex03": EX03}, LAST, {"ex03"}, id="a new machine beside them"),
        pytest.param({"ex01": {"joinDomain": True}}, LAST, {"ex01"}, id="one that shall join"),
        pytest.param({"ex01": {"joinDomain": False}}, joined_at_last_up("ex01", "ex02"), {"ex02"}, id="joined by hand"),
        pytest.param({"ex02": EXISTING}, {}, {"ex01"}, id="an existing server"),
    ],
)
def test_new_machines_join_and_machines_that_exist_stay_as_they_are(
    rows: dict[str, Any], last: dict[str, Any], joining: set[str]
) -> None:
    farm = read_with_domain(rows)
    assert changes.find_joining_servers(farm, last) == joining
    left_alone = {key for key, row in farm.servers.items() if not row.existing and row.join_domain is None} - joining
    warnings = list(changes.warn_of_machines_outside_domain(farm, last))
    assert len(warnings) == len(left_alone)
    assert all(any(f"servers.{key}:" in warning for warning in warnings) for key in left_alone)
    assert all("joinDomain: true" in warning for warning in warnings)


def test_without_a_domain_no_machine_joins_and_there_is_no_warning() -> None:
    farm = arguments.read_arguments(GOOD, location="westeurope")
    assert changes.find_joining_servers(farm, LAST) == set()
    assert list(changes.warn_of_machines_outside_domain(farm, LAST)) == []


def test_another_domain_for_a_joined_machine_is_refused_and_another_account_is_not() -> None:
    last = joined_at_last_up("ex01")
    changes.reconcile_with_last_up(read_with_domain({}, account="CORP\\other"), last)
    with pytest.raises(arguments.InvalidStackFileError) as error:
        changes.reconcile_with_last_up(read_with_domain({}, name="corp.other.com"), last)
    [problem] = error.value.problems
    assert (problem.key, problem.value) == ("domain.name", "corp.other.com")
    assert f"is not {NAME}, which EX01 joined" in problem.remedy
