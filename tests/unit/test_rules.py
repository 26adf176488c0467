"""The rules that protect clients, over plain values, and the warnings that the stack file's check makes of them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from components import rules
from stacks import advice
from tests.unit.good_stack_file import read_good

pytestmark = pytest.mark.unit


def warnings_about(stack: str = "lab", **changes: Any) -> str:
    farm = read_good(**changes)
    return " ".join(advice.list_warnings(farm, stack))


@pytest.mark.parametrize(("seconds", "fine"), [(1, True), (300, True), (301, False), (3600, False)])
def test_a_ttl_above_five_minutes_is_a_breach(seconds: int, fine: bool) -> None:
    assert (list(rules.check_ttl(seconds)) == []) is fine
    assert (warnings_about(dns={"ttlSeconds": seconds}) == "") is fine


@pytest.mark.parametrize(
    ("addresses", "fine"),
    [([], False), (["10.0.0.1"], False), (["10.0.0.1", "10.0.0.1"], False), (["10.0.0.1", "10.0.0.2"], True)],
)
def test_a_name_needs_two_different_addresses(addresses: list[str], fine: bool) -> None:
    assert (list(rules.check_address_count(addresses)) == []) is fine


def test_a_name_without_an_address_that_another_name_has_is_a_breach() -> None:
    both = ["10.0.0.1", "10.0.0.2"]
    assert list(rules.check_same_addresses({"owa": both, "autodiscover": both[::-1]})) == []
    (breach,) = rules.check_same_addresses({"owa": both, "autodiscover": both[:1]})
    assert breach.startswith("autodiscover lacks 10.0.0.2,")


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://owa.example.com/owa", True),
        ("https://owa.example.com", True),
        ("http://owa.example.com/owa", False),
        ("owa.example.com", False),
        ("https://", False),
        ("https://owa.example.com/o wa", False),
    ],
)
def test_a_url_must_be_absolute_and_begin_with_https(url: str, fine: bool) -> None:
    assert (list(rules.check_https_url(url)) == []) is fine


def security_rule(**changes: Any) -> dict[str, Any]:
    return {
        "name": "AllowAdmins",
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "Internet",
        "destinationPortRange": "22",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({}, False),
        ({"sourceAddressPrefix": "*"}, False),
        ({"sourceAddressPrefix": "0.0.0.0/0"}, False),
        ({"sourceAddressPrefix": None, "sourceAddressPrefixes": ["10.0.0.0/8", "::/0"]}, False),
        ({"destinationPortRange": "3000-4000"}, False),
        ({"destinationPortRange": "*", "protocol": "*"}, False),
        ({"destinationPortRange": None, "destinationPortRanges": ["443", "5986"]}, False),
        ({"direction": "inbound", "access": "allow"}, False),
        ({"sourceAddressPrefix": "203.0.113.0/24"}, True),
        ({"sourceAddressPrefix": "VirtualNetwork"}, True),
        ({"access": "Deny"}, True),
        ({"direction": "Outbound"}, True),
        ({"destinationPortRange": "443"}, True),
        ({"destinationPortRange": "23-100"}, True),
        ({"protocol": "Udp"}, True),
    ],
)
def test_a_management_port_that_the_internet_reaches_is_a_breach(changes: dict[str, Any], fine: bool) -> None:
    assert (list(rules.find_open_management_ports([security_rule(**changes)])) == []) is fine


def test_a_management_port_for_clients_from_the_internet_is_a_warning() -> None:
    network = {"clientSources": ["VirtualNetwork", "Internet"], "clientPorts": [443, 3389]}
    assert "port 3389 (Remote Desktop)" in warnings_about(network=network)
    assert warnings_about(network={**network, "clientPorts": [443, 80]}) == ""


@pytest.mark.parametrize(
    ("stack", "production"),
    [
        ("prod", True),
        ("production", True),
        ("Prod-EU", True),
        ("mail.prod", True),
        ("org/project/prod", True),
        ("lab", False),
        ("products", False),
        ("reprod", False),
    ],
)
def test_the_stacks_name_says_whether_it_is_production(stack: str, production: bool) -> None:
    assert rules.is_production(stack) is production
    assert ("dns.private" in warnings_about(stack)) is production
    assert warnings_about(stack, protect=True) == ""
    assert warnings_about(stack, dns={"private": {"existingResourceGroup": "dns"}}) == ""


def test_the_rules_import_the_standard_library_only() -> None:
    tree = ast.parse(Path(rules.__file__).read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
