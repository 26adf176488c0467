"""A lab's names, and its stack file, which is derived from the base."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

import pytest

from components import namespace
from operations.labs.lab_file import derive_config
from operations.labs.names import Lab, LabError, is_expired, lab_name
from stacks import arguments
from tests.unit.labs import (
    ANNA,
    NOW,
    TAGS,
)
from tests.unit.labs import base as base

pytestmark = pytest.mark.unit

EXISTING_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"


def read_settings(config: Mapping[str, Any]) -> Any:
    secrets = {f"exchange-cas:{key}": "secret" for key in ("operatorPassword", "adminPassword")}
    return arguments.read_config_block({**config, **secrets})


def refusals(base: Mapping[str, Any], lab: Lab = ANNA, network: IPv4Network | None = None) -> list[str]:
    with pytest.raises(LabError) as caught:
        derive_config(base, lab, TAGS, network)
    return caught.value.problems


def test_two_labs_share_no_name_and_no_resource_group_and_their_stack_files_are_valid(base: dict[str, Any]) -> None:
    before = copy.deepcopy(base)
    farms = [read_settings(derive_config(base, Lab(name), Lab(name).tags(name, NOW), None)) for name in ("anna", "ben")]
    assert base == before
    seen = [
        {
            *namespace.client_names(farm.namespace).list_all(),
            farm.resource_group.name,
            *(server.computer_name for server in farm.servers.values()),
        }
        for farm in farms
    ]
    assert seen[0].isdisjoint(seen[1])
    assert "owa.anna.lab.mail-domain.com" in seen[0]
    assert dict(farms[0].tags) == {"purpose": "lab", "lab": "anna", "owner": "anna", "expires": "2026-11-24T04:00Z"}


def test_urls_in_the_base_move_below_the_labs_own_domain(base: dict[str, Any]) -> None:
    base["exchange-cas:namespace"]["services"] = {"owa": {"internalUrl": "https://mail.lab.mail-domain.com/owa"}}
    made = derive_config(base, ANNA, TAGS, None)
    owa = made["exchange-cas:namespace"]["services"]["owa"]["internalUrl"]
    assert owa == "https://mail.anna.lab.mail-domain.com/owa"


@pytest.mark.parametrize(("given", "hours"), [({"time": "2000"}, "2000"), (None, "1900")])
def test_every_lab_shuts_down_in_the_evening(base: dict[str, Any], given: object, hours: str) -> None:
    base["exchange-cas:autoShutdown"] = given
    assert read_settings(derive_config(base, ANNA, TAGS, None)).auto_shutdown.time == hours


def test_network_moves_every_address_to_the_same_place_in_the_labs_address_space(base: dict[str, Any]) -> None:
    farm = read_settings(derive_config(base, ANNA, TAGS, IPv4Network("10.77.0.0/16")))
    assert [server.address for server in farm.servers.values()] == ["10.77.0.11", "10.77.0.12"]
    assert (farm.network.address_space, farm.network.subnet_prefix) == ("10.77.0.0/16", "10.77.0.0/24")


def test_an_address_space_that_does_not_fit_is_refused(base: dict[str, Any]) -> None:
    assert "write a prefix of the same length, /16" in refusals(base, network=IPv4Network("10.77.0.0/24"))[0]
    subnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/s"
    base["exchange-cas:network"] = {"subnetId": subnet}
    assert "network.subnetId" in refusals(base, network=IPv4Network("10.77.0.0/16"))[0]


def test_everything_that_two_labs_cannot_share_is_refused_at_once(base: dict[str, Any]) -> None:
    base["exchange-cas:protect"] = True
    base["exchange-cas:resourceGroup"] = {"name": "there", "existing": True}
    base["exchange-cas:dns"] = {"private": {"existingResourceGroup": "dns"}}
    base["exchange-cas:servers"]["ex02"] |= {"existing": True, "hostKey": EXISTING_KEY}
    assert [row.partition(" = ")[0] for row in refusals(base)] == [
        "protect",
        "resourceGroup.existing",
        "dns.private.existingResourceGroup",
        "servers.ex02.existing",
    ]


def test_a_base_with_mistakes_is_refused_and_each_is_named(base: dict[str, Any]) -> None:
    base["exchange-cas:servers"]["ex01"]["address"] = "10.40.0.300"
    base["exchange-cas:vmsize"] = "x"
    found = refusals(base)
    assert any(row.startswith("servers.ex01.address = '10.40.0.300'") for row in found)
    assert any(row.startswith("vmsize") and "vmSize" in row for row in found)


def test_a_name_that_makes_a_computer_name_too_long_for_windows_is_refused(base: dict[str, Any]) -> None:
    assert "choose a NAME for the lab of at most 10" in refusals(base, Lab("elevenchars"))[0]
    derive_config(base, Lab("tencharact"), TAGS, None)


@pytest.mark.parametrize("name", ["", "Anna", "anna_b", "-anna", "anna-", "a" * 21, "a/b", "../prod"])
def test_an_invalid_name_is_refused_with_a_valid_example(name: str) -> None:
    with pytest.raises(LabError, match="lower-case letters, digits and inner hyphens"):
        Lab(name)


def test_only_stacks_named_lab_something_are_labs() -> None:
    assert [lab_name(stack) for stack in ("lab-anna", "org/exchange-cas/lab-anna", "lab", "prod", "lab-")] == [
        "anna",
        "anna",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("tag", "over"),
    [("2026-11-24T03:59Z", True), ("2026-11-24T04:01Z", False), ("soon", False), ("", False)],
)
def test_a_lab_expires_at_its_time_and_never_by_an_unreadable_tag(tag: str, over: bool) -> None:
    assert is_expired({"expires": tag}, NOW) is over
