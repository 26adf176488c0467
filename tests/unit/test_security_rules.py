"""Which sources reach which port of a server: the security rules, applied packet by packet as Azure does."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import cast

import pytest

from components.azure_args import NetworkArgs
from components.network import security_rules

pytestmark = pytest.mark.unit

NETWORK = IPv4Network("10.40.0.0/16")
SERVER, NEIGHBOUR, ADMIN, INTERNET = "10.40.0.12", "10.40.9.9", "10.40.8.8", "203.0.113.7"


def is_admitted(args: NetworkArgs, source: str, port: int, *other_servers: str) -> bool:
    """The first matching rule by priority decides, then Azure's default rules."""
    for rule in sorted(security_rules(args, 22, other_servers), key=lambda rule: int(str(rule.priority))):
        ports = cast("list[str]", rule.destination_port_ranges or [rule.destination_port_range])
        if covers_source(str(rule.source_address_prefix), source) and (ports == ["*"] or str(port) in ports):
            return rule.access == "Allow"
    return IPv4Address(source) in NETWORK


def covers_source(prefix: str, source: str) -> bool:
    inside = IPv4Address(source) in NETWORK
    named = {"*": True, "VirtualNetwork": inside, "Internet": not inside}
    return named[prefix] if prefix in named else IPv4Address(source) in IPv4Network(prefix)


@pytest.mark.parametrize("port", [22, 80, 443, 445, 5985])
def test_by_default_nothing_is_open_to_the_internet(port: int) -> None:
    assert not is_admitted(NetworkArgs(), INTERNET, port)


@pytest.mark.parametrize("port", [25, 80, 443, 444, 22])
def test_nothing_is_filtered_between_servers(port: int) -> None:
    assert is_admitted(NetworkArgs(), SERVER, port)


@pytest.mark.parametrize("port", [22, 80, 443])
def test_by_default_the_virtual_network_reaches_clients_ports_and_ssh(port: int) -> None:
    assert is_admitted(NetworkArgs(), NEIGHBOUR, port)


def test_servers_of_the_farm_outside_the_subnet_are_never_filtered() -> None:
    args = NetworkArgs(client_sources=(), admin_sources=())
    assert not is_admitted(args, NEIGHBOUR, 443)
    assert is_admitted(args, NEIGHBOUR, 443, NEIGHBOUR)


def test_ssh_is_for_admin_sources_only() -> None:
    args = NetworkArgs(admin_sources=(f"{ADMIN}/32", "203.0.113.0/24"))
    assert is_admitted(args, ADMIN, 22)
    assert is_admitted(args, INTERNET, 22)
    assert not is_admitted(args, NEIGHBOUR, 22)
    assert not is_admitted(args, INTERNET, 3389)


def test_clients_ports_are_for_client_sources_only() -> None:
    args = NetworkArgs(client_sources=("Internet",))
    assert is_admitted(args, INTERNET, 443)
    assert not is_admitted(args, NEIGHBOUR, 443)


def test_trusted_sources_are_never_filtered() -> None:
    args = NetworkArgs(client_sources=(), trusted_sources=(f"{NEIGHBOUR}/32",))
    assert all(is_admitted(args, NEIGHBOUR, port) for port in (22, 80, 443, 389, 444))


def test_every_rule_has_a_unique_priority_and_name() -> None:
    args = NetworkArgs(admin_sources=("10.1.0.0/24", "10.2.0.0/24"), client_sources=("Internet", "VirtualNetwork"))
    rules = security_rules(args, 22, ())
    assert len({rule.priority for rule in rules}) == len({rule.name for rule in rules}) == len(rules) == 6
