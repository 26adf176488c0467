"""Rules for the network of servers that a stack creates, and for the links of its private zone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.good_stack_file import HOST_KEY, NETWORK, Edit, assert_problem, change_keys, find_problems

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(
            change_keys(network={"clientPorts": []}), "network.clientPorts", "at least one", id="no port for clients"
        ),
        pytest.param(
            change_keys(network={"adminSources": ["10.0.0.1"] * 101}),
            "network.adminSources",
            "0 to 100",
            id="101 sources",
        ),
        pytest.param(
            change_keys(network={"clientSources": ["Internet", "10.20.1.4/24"]}),
            "network.clientSources[1]",
            "10.20.1.0/24",
            id="client source with host bits",
        ),
        pytest.param(
            change_keys(network={"adminSources": ["10.20.1.4/24"]}),
            "network.adminSources[0]",
            "10.20.1.0/24",
            id="admin source with host bits",
        ),
        pytest.param(
            change_keys(network={"trustedSources": ["10.20.1.4/24"]}),
            "network.trustedSources[0]",
            "10.20.1.0/24",
            id="trusted source with host bits",
        ),
        pytest.param(
            change_keys(dns={"private": {"linkedNetworks": [NETWORK.format("a", "hub"), NETWORK.format("b", "hub")]}}),
            "dns.private.linkedNetworks",
            "same name as another",
            id="two linked networks of one name",
        ),
        pytest.param(
            change_keys(dns={"private": {"linkedNetworks": [NETWORK.format("a", "Servers")]}}),
            "dns.private.linkedNetworks",
            "of the servers' own network",
            id="linked network with the name of the servers' own link",
        ),
        pytest.param(
            change_keys(network={"subnetPrefix": "10.40.0.1/24"}),
            "network.subnetPrefix",
            "10.40.0.0/24",
            id="host bits in a prefix",
        ),
        pytest.param(
            change_keys(network={"subnetPrefix": "10.50.0.0/24"}),
            "network.subnetPrefix",
            "addressSpace",
            id="prefix outside the address space",
        ),
        pytest.param(change_keys(network={"adminSources": "me"}), "network.adminSources", "list", id="text for a list"),
        pytest.param(
            change_keys(network={"adminSources": ["me"]}), "network.adminSources[0]", "prefix", id="not a source"
        ),
    ],
)
def test_a_mistake_in_a_network_is_reported_by_its_key_with_a_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)


@pytest.mark.parametrize("existing_zone", [False, True])
@pytest.mark.parametrize("created_servers", [0, 1, 2])
def test_the_servers_own_network_may_be_listed_unless_the_stack_links_it(
    existing_zone: bool, created_servers: int
) -> None:
    def own_network(values: dict[str, Any]) -> None:
        for row in list(values["servers"].values())[created_servers:]:
            row.update(existing=True, hostKey=HOST_KEY)
        zone = {"existingResourceGroup": "dns"} if existing_zone else {}
        values["dns"] = {"private": {**zone, "linkedNetworks": [NETWORK.format("a", "Hub")]}}
        values["network"] = {"subnetId": NETWORK.format("a", "hub") + "/subnets/cas"}

    found = find_problems(own_network)
    linked_anyway = bool(created_servers) and not existing_zone
    assert list(found) == (["dns.private.linkedNetworks"] if linked_anyway else [])
    assert all("own network" in problem.remedy for problem in found.values())


def test_a_private_zone_without_a_linked_network_is_refused() -> None:
    def unlinked(values: dict[str, Any]) -> None:
        for row in values["servers"].values():
            row.update(existing=True, hostKey=HOST_KEY)

    assert list(find_problems(unlinked)) == ["dns.private.linkedNetworks"]


def test_client_ports_without_the_https_port_are_refused_for_servers_that_the_stack_creates() -> None:
    assert list(find_problems(change_keys(network={"clientPorts": [80]}))) == ["network.clientPorts"]
    assert list(find_problems(change_keys(httpsPort=8443))) == ["network.clientPorts"]
    assert find_problems(change_keys(httpsPort=8443, network={"clientPorts": [8443]})) == {}

    def existing(values: dict[str, Any]) -> None:
        for row in values["servers"].values():
            row |= {"existing": True, "hostKey": HOST_KEY}
        values |= {"httpsPort": 8443, "dns": {"private": {"existingResourceGroup": "dns"}}}

    assert find_problems(existing) == {}, "the stack does not control who reaches an existing server"


@pytest.mark.parametrize("space", ["224.0.0.0/4", "169.254.0.0/16", "168.63.129.0/24", "240.0.0.0/4", "0.0.0.0/0"])
def test_an_address_space_that_azure_refuses_is_refused(space: str) -> None:
    found = find_problems(change_keys(network={"addressSpace": space, "subnetPrefix": space}))
    reason = "255.255.255.255/32" if space == "240.0.0.0/4" else "which Azure refuses"
    assert reason in found["network.addressSpace"].remedy
    assert reason in found["network.subnetPrefix"].remedy


@pytest.mark.parametrize("prefix", ["10.40.0.0/30", "10.40.0.8/31", "10.40.0.8/32"])
def test_a_subnet_without_room_is_one_problem(prefix: str) -> None:
    found = find_problems(change_keys(network={"subnetPrefix": prefix}))
    assert list(found) == ["network.subnetPrefix"]
    assert "/29" in found["network.subnetPrefix"].remedy


def test_the_name_of_a_linked_network_instead_of_its_id_is_one_problem() -> None:
    assert list(find_problems(change_keys(dns={"private": {"linkedNetworks": ["hub-vnet"]}}))) == [
        "dns.private.linkedNetworks[0]"
    ]
