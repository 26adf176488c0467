"""Lists that change are compared item by item."""

from __future__ import annotations

import pytest

from tests.unit import previews
from tests.unit.previews import (
    DRAINED,
    NAMESPACE,
    NAT,
    PUBLIC,
    RECORDS,
    UNKNOWN,
    Review,
    Step,
    change,
    step,
)

pytestmark = pytest.mark.unit


def read_items(text: str, title: str) -> list[list[str]]:
    """The rows under a heading, without the first column."""
    table = text.partition(f"### {title}\n")[2].partition("\n###")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in lines]


def test_security_rules_are_listed_with_old_and_new(review: Review) -> None:
    others = previews.rule("DenyOthers", 4000, "*", 443, access="Deny")
    before = [
        previews.rule("AllowClients", 300, "VirtualNetwork", 443, 80),
        previews.rule("Old", 301, ["a", "b"]),
        others,
    ]
    after = [previews.rule("AllowClients", 300, "10.99.9.9", 80), previews.rule("New", 302, "Internet", 443), others]
    text = review(change(previews.security("update", before, after))).stdout
    rules = "`securityRules`"
    assert read_items(text, "Security rules") == [
        [
            *(rules, "`AllowClients`"),
            "`Allow Tcp from VirtualNetwork to port 443, 80, priority 300`",
            "`Allow Tcp from 10.99.9.9 to port 80, priority 300`",
        ],
        [rules, "`Old`", "`Allow Tcp from a, b to port *, priority 301`", "absent"],
        [rules, "`New`", "absent", "`Allow Tcp from Internet to port 443, priority 302`"],
    ]


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        pytest.param(
            {"dhcp": {"dnsServers": ["10.0.0.4", "10.0.0.5"]}},
            {"dhcp": {"dnsServers": ["10.0.0.5", "10.0.0.6"]}},
            [
                ["`dhcp.dnsServers`", "", "`10.0.0.4`", "absent"],
                ["`dhcp.dnsServers`", "", "absent", "`10.0.0.6`"],
            ],
            id="inside of a mapping",
        ),
        pytest.param(
            {"zones": ["1", "2"]},
            {"zones": ["2", "1"]},
            [["`zones`", "(order)", "`1, 2`", "`2, 1`"]],
            id="in another order",
        ),
        pytest.param({}, {"zones": ["1"]}, [["`zones`", "", "absent", "`1`"]], id="a first list"),
        pytest.param(
            {"parts": [{"name": "a", "size": 1, "lun": 0}, {"name": "b"}]},
            {"parts": [{"name": "a", "size": UNKNOWN, "lun": 0}, {"name": "b"}]},
            [["`parts`", "`a`", "`size: 1`", "`size: known after the run`"]],
            id="what differs of an item by name",
        ),
        pytest.param(
            {"parts": [{"name": "a", "link": "x"}, {"name": "c"}]},
            {"parts": [{"name": "a"}, {"name": "b", "size": 1}]},
            [
                ["`parts`", "`a`", "`link: x`", "`no link`"],
                ["`parts`", "`c`", "`name: c`", "absent"],
                ["`parts`", "`b`", "absent", "`name: b; size: 1`"],
            ],
            id="parts of items that come and go",
        ),
        pytest.param(
            {"parts": [{"id": "x", "tags": ["u", "v"]}]},
            {"parts": [{"id": "y", "tags": ["u", "v"]}]},
            [["`parts`", "", "`id: x; tags: u, v`", "absent"], ["`parts`", "", "absent", "`id: y; tags: u, v`"]],
            id="items without a name",
        ),
        pytest.param(
            {"parts": [{"name": "AdminPassword", "value": "S3"}, {"password": "S4"}], "protectedParts": ["S5"]},
            {"parts": [{"name": "AdminPassword", "value": "T3"}, {"password": "T4"}], "protectedParts": ["T5"]},
            [
                *(
                    ["`parts`", "", f"`{one}: [secret]`", "absent"]
                    for one in ("name: AdminPassword; value", "password")
                ),
                *(
                    ["`parts`", "", "absent", f"`{one}: [secret]`"]
                    for one in ("name: AdminPassword; value", "password")
                ),
                ["`protectedParts`", "", "`[secret]`", "`[secret]`"],
            ],
            id="secrets, short ones too",
        ),
        pytest.param(
            {"parts": [{"name": "ApiToken", "value": "S3"}]},
            {"parts": [{"name": "ApiToken", "value": "T3"}]},
            [["`parts`", "`ApiToken`", "`value: [secret]`", "`value: [secret]`"]],
            id="a secret by its name",
        ),
    ],
)
def test_changed_lists_are_listed_item_by_item(
    review: Review, before: Step, after: Step, rows: list[list[str]]
) -> None:
    text = review(change(step("update", RECORDS, NAT, "cas-outbound", before, after))).stdout
    assert read_items(text, "Changed lists") == rows


def test_lists_with_their_own_section_are_not_listed_twice(review: Review) -> None:
    gate = step(
        "replace", NAMESPACE, previews.COMMAND, "cas-ex01-rotation", {"triggers": [True]}, {"triggers": [False]}
    )
    assert "Changed lists" not in review(change(gate, DRAINED)).stdout
    text = step("update", RECORDS, PUBLIC, "txt", {"recordType": "TXT", "txtRecords": [{"value": ["a"]}]}, {"ttl": 1})
    assert read_items(review(change(text)).stdout, "Changed lists") == [["`txtRecords`", "", "`a`", "absent"]]
