"""Clients that a security group would shut out are found as Azure would treat them, and only they."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operations.review.security_rules import find_lost_access
from tests.unit import previews
from tests.unit.previews import UNKNOWN, Step, command, digest, interface, rule, security, server, step, urn

pytestmark = pytest.mark.unit

SERVERS = {"ex01": server(1), "ex02": server(2)}
CLIENTS = rule("AllowClients", 300, "VirtualNetwork", 443, 80)
OTHERS = rule("DenyOthers", 4000, "*", 443, 80, 22, access="Deny")
OFFICE = rule("AllowClients1", 301, "203.0.113.0/24", 443, 80)
RULES = [CLIENTS, OFFICE, OTHERS]
OLD, NEW = "/subscriptions/s/…/cas-servers", "/subscriptions/s/…/others"


def shut_out(path: Path, *steps: Step, **config: Any) -> list[str]:
    found = previews.found(path, digest(steps, SERVERS, **config))
    return [danger.reason for danger in found if danger.name == "clients-shut-out"]


def without(name: str) -> list[Step]:
    return [one for one in RULES if one["name"] != name]


def like(old: Step, **changes: Any) -> Step:
    return {key: value for key, value in {**old, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("after", "who"),
    [
        pytest.param(without("AllowClients"), "`VirtualNetwork` (rule `AllowClients`)", id="rule removed"),
        pytest.param(without("AllowClients1"), "`203.0.113.0/24` (rule `AllowClients1`)", id="one source removed"),
        pytest.param(
            [CLIENTS, like(OFFICE, sourceAddressPrefix="203.0.113.0/25"), OTHERS],
            "a part of `203.0.113.0/24` (rule `AllowClients1`)",
            id="narrowed",
        ),
        pytest.param(
            [like(CLIENTS, sourceAddressPrefix="10.0.0.0/8"), OFFICE, OTHERS],
            "a part of `VirtualNetwork` (rule `AllowClients`)",
            id="a tag narrowed to a prefix",
        ),
        pytest.param([like(CLIENTS, destinationPortRanges=["80"]), OFFICE, OTHERS], "`VirtualNetwork`", id="port gone"),
        pytest.param(
            [like(CLIENTS, destinationPortRanges=["400-442", "444"]), OFFICE, OTHERS], "`VirtualNetwork`", id="ranges"
        ),
        pytest.param([like(CLIENTS, access="Deny"), OFFICE, OTHERS], "`VirtualNetwork`", id="turned to Deny"),
        pytest.param([like(CLIENTS, protocol="Udp"), OFFICE, OTHERS], "`VirtualNetwork`", id="protocol"),
        pytest.param([like(CLIENTS, direction="Outbound"), OFFICE, OTHERS], "`VirtualNetwork`", id="direction"),
        pytest.param([like(CLIENTS, priority=4001), OFFICE, OTHERS], "`VirtualNetwork`", id="behind the last Deny"),
        pytest.param([like(CLIENTS, sourcePortRange="443"), OFFICE, OTHERS], "`VirtualNetwork`", id="source port"),
        pytest.param(
            [like(CLIENTS, destinationAddressPrefix="10.0.0.9"), OFFICE, OTHERS], "`VirtualNetwork`", id="one server"
        ),
        pytest.param(
            [rule("Block", 299, "203.0.113.7", access="Deny"), *RULES],
            "a part of `203.0.113.0/24`",
            id="a Deny before it",
        ),
        pytest.param(
            [rule("Block", 100, "Internet", 443, access="Deny"), *RULES],
            "`203.0.113.0/24`",
            id="a tag denied before it",
        ),
        pytest.param([], "`203.0.113.0/24`", id="no rules at all"),
    ],
)
def test_clients_that_lose_access_to_the_port_are_named(tmp_path: Path, after: list[Step], who: str) -> None:
    reasons = shut_out(tmp_path, security("update", RULES, after))
    assert any(f"Port 443 is open to {who}" in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([like(CLIENTS, name="Everybody", sourceAddressPrefix="*"), OTHERS], id="wider"),
        pytest.param(
            [
                like(CLIENTS, sourceAddressPrefix=None, sourceAddressPrefixes=["VirtualNetwork", "203.0.113.0/24"]),
                OTHERS,
            ],
            id="two rules become one",
        ),
        pytest.param(
            [
                CLIENTS,
                like(OFFICE, name="Low", priority=500, sourceAddressPrefix="203.0.113.0/25"),
                like(OFFICE, name="High", priority=501, sourceAddressPrefix="203.0.113.128/25"),
                OTHERS,
            ],
            id="in two halves",
        ),
        pytest.param([CLIENTS, like(OFFICE, sourceAddressPrefix="Internet"), OTHERS], id="the Internet for an office"),
        pytest.param([like(one, destinationPortRanges=["443"]) for one in RULES], id="port 80 gone"),
        pytest.param([like(one, destinationPortRanges=["440-450"]) for one in RULES], id="a range with the port"),
        pytest.param(
            [*RULES, rule("Block", 4001, "*", 443, access="Deny"), rule("Admins", 120, "10.0.0.1", 22)],
            id="a Deny behind it, and another rule",
        ),
        pytest.param([rule("Block", 100, "198.51.100.0/24", access="Deny"), *RULES], id="others denied"),
        pytest.param([rule("Block", 100, "VirtualNetwork", 22, access="Deny"), *RULES], id="another port denied"),
        pytest.param(
            [
                rule("Servers", 100, "*", access="Allow", protocol="*"),
                rule("Block", 101, "VirtualNetwork", access="Deny"),
                OTHERS,
            ],
            id="all let in before they are denied",
        ),
    ],
)
def test_clients_that_another_rule_allows_are_not_shut_out(tmp_path: Path, after: list[Step]) -> None:
    assert shut_out(tmp_path, security("update", RULES, after)) == []


def test_private_addresses_are_in_the_virtual_network_and_not_on_the_internet(tmp_path: Path) -> None:
    branch = rule("AllowClients", 300, "10.20.0.0/16", 443)
    assert shut_out(tmp_path, security("update", [branch, OTHERS], [CLIENTS, OTHERS])) == []
    outside = [like(CLIENTS, sourceAddressPrefix="Internet"), OTHERS]
    assert shut_out(tmp_path, security("update", [branch, OTHERS], outside)) != []


def test_public_addresses_in_the_own_network_count_as_in_the_virtual_network(tmp_path: Path) -> None:
    change = security("update", [rule("AllowClients", 300, "203.0.113.0/24", 443), OTHERS], [CLIENTS, OTHERS])
    assert shut_out(tmp_path, change) != []
    assert shut_out(tmp_path, change, network={"addressSpace": "203.0.113.0/24"}) == []
    widened = step("update", previews.NETWORK, previews.SUBNET, "cas-subnet", {"addressPrefix": "203.0.113.0/24"})
    assert shut_out(tmp_path, change, widened) == []


def test_a_service_tag_and_ipv6_are_clients_of_their_own(tmp_path: Path) -> None:
    door, six = rule("Door", 200, "AzureFrontDoor.Backend", 443), rule("Six", 201, "2001:db8::/32", 443)
    assert len(shut_out(tmp_path, security("update", [door, six, OTHERS], [OTHERS]))) == 2
    everybody = rule("All", 200, "Internet", 443)
    assert shut_out(tmp_path, security("update", [door, six, OTHERS], [everybody, OTHERS])) == []
    four = rule("All", 200, "0.0.0.0/0", 443)
    assert shut_out(tmp_path, security("update", [like(four, sourceAddressPrefix="*")], [four])) == []


def test_access_by_azures_default_rule_counts_until_a_rule_denies_it(tmp_path: Path) -> None:
    assert shut_out(tmp_path, security("update", [], [rule("Admins", 400, "10.0.0.1", 22)])) == []
    (reason,) = shut_out(tmp_path, security("update", [], [OTHERS]))
    assert "open to `VirtualNetwork` (rule `AllowVnetInBound`)" in reason


def test_a_source_that_only_azures_default_rules_allow_is_shut_out(tmp_path: Path) -> None:
    """clientPorts: [80]: the rule that denies the rest names no port 443 either."""
    after = [rule("AllowClients", 300, "10.99.9.9", 80), rule("DenyOthers", 4000, "*", 80, 22, access="Deny")]
    (reason,) = shut_out(tmp_path, security("update", [CLIENTS, OTHERS], after))
    assert reason == (
        "Port 443 is open to `VirtualNetwork` (rule `AllowClients`). After the run, no rule of the group would open "
        "port 443 to them: only Azure's default rules would."
    )


def test_https_port_of_the_stack_file_is_the_port_that_counts(tmp_path: Path) -> None:
    after = [like(one, destinationPortRanges=["8443"]) for one in RULES]
    both = [like(one, destinationPortRanges=["8443", "443"]) for one in RULES]
    assert shut_out(tmp_path, security("update", both, after)) != []
    assert shut_out(tmp_path, security("update", both, after), httpsPort="8443") == []


def test_after_a_change_of_the_port_the_new_port_counts(tmp_path: Path) -> None:
    gate = command("update", "ex01", "rotation", {"health": {"port": 443}}, {"health": {"port": 8443}})
    after = [like(one, destinationPortRanges=["8443"]) for one in RULES]
    assert shut_out(tmp_path, gate, security("update", RULES, after), httpsPort="8443") == []
    reasons = shut_out(tmp_path, gate, security("update", RULES, [*RULES, rule("B", 99, "*", 80)]), httpsPort="8443")
    assert reasons[0].startswith("Port 443 is open to")
    assert "no rule of the group would open port 8443 to them" in reasons[0]


def link(key: str, after: str | None, needs: str | None = None) -> Step:
    new = {"propertyDependencies": {"networkSecurityGroup": [needs]}} if needs else {}
    return interface("update", key, OLD, after, new=new)


MADE = urn(previews.NETWORK, previews.GROUP, "cas-others")


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        pytest.param([security("delete", RULES)], "It is deleted", id="group deleted"),
        pytest.param([security("replace", RULES)], "deleted and created again", id="group replaced"),
        pytest.param([link("ex01", None)], "Its security group is removed", id="link taken away"),
        pytest.param([security("delete", RULES), link("ex01", None)], "Its security group is removed", id="both"),
        pytest.param([link("ex01", NEW)], "(`others`)", id="link to a group elsewhere"),
        pytest.param(
            [security("delete", RULES), security("create", None, [OTHERS], "cas-others"), link("ex01", UNKNOWN, MADE)],
            "no rule of the group would open port 443 to them",
            id="link to a new group with less",
        ),
        pytest.param(
            [security("create", None, [OTHERS], "cas-others"), interface("update", "ex01", None, UNKNOWN)],
            "`VirtualNetwork` (rule `no security group`)",
            id="a first group",
        ),
    ],
)
def test_a_removed_group_or_a_changed_link_shuts_clients_out(tmp_path: Path, steps: list[Step], sentence: str) -> None:
    assert any(sentence in reason for reason in shut_out(tmp_path, *steps))


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([security("delete", RULES), interface("delete", "ex01", OLD, None)], id="with its servers"),
        pytest.param([interface("update", "ex01", OLD, OLD)], id="the same link"),
        pytest.param(
            [security("delete", RULES), security("create", None, RULES, "cas-others"), link("ex01", UNKNOWN, MADE)],
            id="the same rules in a new group",
        ),
        pytest.param([security("create", None, RULES), interface("create", "ex03", None, UNKNOWN)], id="new ones"),
        pytest.param([security("update", RULES, RULES)], id="nothing but tags"),
    ],
)
def test_a_group_or_link_with_the_same_rules_shuts_no_client_out(tmp_path: Path, steps: list[Step]) -> None:
    assert shut_out(tmp_path, *steps) == []


def test_one_client_among_hundreds_that_is_shut_out_is_found() -> None:
    many = [rule(f"R{n}", 100 + n, f"198.51.{n // 100}.{n % 100}", 443) for n in range(400)]
    found = find_lost_access([*many, OTHERS], [*many[1:], OTHERS], (443, 443), [])
    assert [(one.rule, one.sources) for one in found] == [("R0", ("198.51.0.0",))]
