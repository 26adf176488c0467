"""Each unsafe plan is found by its name, and the safe one beside it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from operations.review.dangers import RULES
from rehearsal.tools import REPOSITORY
from tests.unit import previews
from tests.unit.previews import (
    FOUR,
    IP,
    NAMESPACE,
    NAT,
    NIC,
    ONE,
    OUT,
    PRIVATE_ZONE,
    PUBLIC,
    PUBLIC_ZONE,
    RECORDS,
    RESTORE,
    SERVER,
    THREE,
    THREE_SERVERS,
    TWO,
    TWO_SERVERS,
    UNKNOWN,
    VM,
    Step,
    command,
    digest,
    machine,
    outside,
    public_address,
    records,
    rule,
    security,
    server,
    step,
)

pytestmark = pytest.mark.unit

IN_ROTATION, OUT_OF_ROTATION = {"inRotation": True}, {"inRotation": False}
ALIAS = {
    "privateZoneName": "mail-domain.com",
    "recordType": "CNAME",
    "relativeRecordSetName": "owa",
    "ttl": 300,
    "cnameRecord": {"cname": "elsewhere.example"},
}
CLIENTS = rule("AllowClients", 300, "VirtualNetwork", 443, 80)
OTHERS = rule("DenyOthers", 4000, "*", 443, 80, 22, access="Deny")
# As the program writes it for clientPorts: [80].
DENIED = [rule("DenyOthers", 4000, "*", 80, 22, access="Deny")]
FREED = step("same", RECORDS, IP, "cas-ip", old={"protect": True})


def zone(operation: str, type: str = PRIVATE_ZONE, **more: Any) -> Step:
    inputs = {"privateZoneName" if type == PRIVATE_ZONE else "zoneName": "mail-domain.com"}
    return step(operation, RECORDS, type, "cas-zone", inputs, **more)


CASES = [
    pytest.param(
        [records("delete", [ONE, TWO], None)],
        [records("update", [ONE, TWO], [ONE])],
        {},
        "no-address-left",
        id="a record set deleted",
    ),
    pytest.param(
        [records("update", [ONE, TWO], [])],
        [records("update", [ONE], [ONE, TWO])],
        {},
        "no-address-left",
        id="a record set emptied",
    ),
    pytest.param(
        [records("update", [ONE, TWO], [THREE, FOUR])],
        [records("update", [ONE, TWO], [TWO, THREE])],
        {},
        "no-address-left",
        id="all addresses exchanged for others",
    ),
    pytest.param(
        [
            records(
                "replace", [ONE, TWO], [ONE, TWO], label="owa", old={"outputs": {"aRecords": [{"ipv4Address": FOUR}]}}
            )
        ],
        [records("replace", [ONE, TWO], [ONE, TWO], label="owa")],
        {},
        "no-address-left",
        id="what the provider found counts as before",
    ),
    pytest.param(
        [records("replace", [ONE, TWO], [ONE, TWO], new={"inputs": ALIAS})],
        [records("replace", [ONE, TWO], [ONE, TWO], old={"inputs": ALIAS})],
        {},
        "no-address-left",
        id="addresses become an alias, or an alias becomes addresses",
    ),
    pytest.param(
        [records("update", [ONE, TWO, THREE], [ONE], type=PUBLIC)],
        [records("update", [ONE, TWO, THREE, FOUR], [ONE, TWO], type=PUBLIC)],
        {},
        "most-addresses-gone",
        id="two of three gone outside, two of four",
    ),
    pytest.param(
        [machine("create", "ex03"), records("update", [ONE, TWO], [ONE, TWO, THREE])],
        [machine("create", "ex03"), records("update", [ONE, TWO], [ONE, TWO], ttl=60)],
        {"servers": THREE_SERVERS, "was": TWO_SERVERS},
        "enters-dns-as-made",
        id="a machine made and in DNS at once",
    ),
    pytest.param(
        [machine("create", "ex03"), records("update", [ONE], [ONE, THREE])],
        [command("create", "ex03", "rotation", None, IN_ROTATION), records("update", [ONE], [ONE, THREE])],
        {"servers": THREE_SERVERS},
        "enters-dns-as-made",
        id="a server made, or one that exists and is added",
    ),
    pytest.param(
        [
            step("create", SERVER, NIC, "cas-ex03-nic", None, {"ipConfigurations": [{"privateIPAddress": THREE}]}),
            records("update", [ONE, TWO], [ONE, TWO, THREE]),
        ],
        [
            step("update", SERVER, NIC, "cas-ex03-nic", {"ipConfigurations": [{"privateIPAddress": THREE}]}),
            records("update", [ONE, TWO], [ONE, TWO, THREE]),
        ],
        {"servers": TWO_SERVERS},
        "enters-dns-as-made",
        id="known from the network interface only",
    ),
    pytest.param(
        [machine("create", "ex03"), public_address("create", "ex03"), outside([ONE], [ONE, UNKNOWN], "ex03")],
        [
            machine("create", "ex03"),
            public_address("create", "ex03"),
            records("update", [ONE], [ONE, THREE], type=PUBLIC),
        ],
        {"servers": {**TWO_SERVERS, "ex03": server(9)}, "was": TWO_SERVERS},
        "enters-dns-as-made",
        id="with a public address that is not known yet",
    ),
    pytest.param(
        [machine("create", "ex02"), records("create", None, [ONE, TWO])],
        [machine("create", "ex01"), machine("create", "ex02"), records("create", None, [ONE, TWO])],
        {"servers": TWO_SERVERS, "was": {"ex01": server(1)}},
        "enters-dns-as-made",
        id="a new name, others serve or all are new",
    ),
    pytest.param(
        [machine("replace", "ex02")],
        [machine("update", "ex02")],
        {},
        "serving-server-lost",
        id="replaced in rotation",
    ),
    pytest.param(
        [machine("delete", "ex02")],
        [machine("delete", "ex02")],
        {"safe": {"was": OUT}},
        "serving-server-lost",
        id="deleted in rotation, or out of it",
    ),
    pytest.param(
        [machine("replace", "ex02")],
        [machine("replace", "ex02")],
        {"was": {}, "safe": {"was": OUT}},
        "serving-server-lost",
        id="counted as serving without information",
    ),
    pytest.param(
        [machine("replace", "ex02"), command("update", "ex02", "rotation", IN_ROTATION, OUT_OF_ROTATION)],
        [machine("replace", "ex02"), command("update", "ex02", "rotation", OUT_OF_ROTATION, OUT_OF_ROTATION)],
        {"was": OUT, "safe": {"was": OUT}},
        "serving-server-lost",
        id="in rotation by its own command, whatever the outputs say",
    ),
    pytest.param(
        [machine("delete", "ex02"), records("update", [ONE, TWO], [ONE])],
        [machine("delete", "ex02"), records("update", [ONE, THREE], [ONE])],
        {"was": OUT, "safe": {"was": OUT}},
        "serving-server-lost",
        id="in rotation by a record set, whatever the outputs say",
    ),
    pytest.param(
        [step("replace", "urn:pulumi:prod::p::", VM, "mail")],
        [step("update", "urn:pulumi:prod::p::", VM, "mail")],
        {},
        "serving-server-lost",
        id="another program's machine, of which nothing is known",
    ),
    pytest.param([zone("delete")], [zone("update")], {}, "zone-deleted", id="private zone"),
    pytest.param(
        [zone("replace", PUBLIC_ZONE)], [zone("create", PUBLIC_ZONE)], {}, "zone-deleted", id="public zone replaced"
    ),
    pytest.param(
        [step("delete", RECORDS, IP, "cas-ip", old={"protect": True})],
        [step("delete", RECORDS, IP, "cas-ip")],
        {},
        "protected-deleted",
        id="protected",
    ),
    pytest.param(
        [records("update", [ONE, TWO], [ONE, TWO], ttl=301)],
        [records("update", [ONE, TWO], [ONE, TWO], ttl=300)],
        {},
        "ttl-too-long",
        id="TTL",
    ),
    pytest.param(
        [FREED, step("delete", RECORDS, NAT, "cas-nat")],
        [FREED, step("create", RECORDS, NAT, "cas-nat")],
        {},
        "protection-off-and-deletion",
        id="protection off, something else deleted",
    ),
    pytest.param(
        [step("delete", RECORDS, IP, "cas-ip", old={"protect": True})],
        [step("delete", RECORDS, IP, "cas-ip", old={"protect": True})],
        {"protect": "false", "safe": {"protect": "true"}},
        "protection-off-and-deletion",
        id="protect false in the file, and a protected part deleted",
    ),
    pytest.param(
        [FREED, step("replace", SERVER, NAT, "cas-outbound")],
        [FREED, command("replace", "ex02", "rotation", OUT_OF_ROTATION, IN_ROTATION)],
        {},
        "protection-off-and-deletion",
        id="protection off, a part replaced, or a command run again",
    ),
    pytest.param(
        [FREED, step("delete", NAMESPACE, RESTORE, "cas-ex02-restore", {"delete": "python -m operations.restore"})],
        [FREED, step("delete", NAMESPACE, RESTORE, "cas-ex02-restore", {"stdin": "{}"})],
        {},
        "protection-off-and-deletion",
        id="protection off, a command that has something to delete, or nothing",
    ),
    pytest.param(
        [machine("replace", "ex01"), machine("replace", "ex02")],
        [machine("replace", "ex01"), machine("update", "ex02")],
        {},
        "several-servers-replaced",
        id="two replaced",
    ),
    pytest.param(
        [security("update", [CLIENTS], UNKNOWN)],
        [security("update", [CLIENTS], [CLIENTS, rule("AllowMore", 400, "Internet", 443)])],
        {},
        "not-known-yet",
        id="security rules unknown",
    ),
    pytest.param(
        [step("frobnicate", SERVER, NAT, "cas-outbound")],
        [step("read", SERVER, NAT, "cas-outbound"), step("same", SERVER, NAT, "cas-outbound-2")],
        {},
        "unknown-operation",
        id="an operation of another engine, or one that changes the state alone",
    ),
    pytest.param(
        [security("update", [CLIENTS, OTHERS], [rule("AllowClients", 300, "10.99.9.9", 80), *DENIED])],
        [security("update", [CLIENTS, OTHERS], [rule("AllowClients", 300, "VirtualNetwork", 443), OTHERS])],
        {},
        "clients-shut-out",
        id="other clients and other ports, or port 80 alone less",
    ),
    pytest.param(
        [records("update", [ONE, TWO], UNKNOWN)],
        [records("update", [ONE, TWO], [ONE, TWO])],
        {},
        "not-known-yet",
        id="all addresses unknown",
    ),
    pytest.param(
        [records("update", [ONE, TWO], [ONE, TWO], ttl=UNKNOWN)],
        [records("update", [ONE, TWO], [ONE, TWO], ttl=60)],
        {},
        "not-known-yet",
        id="TTL unknown",
    ),
    pytest.param(
        [records("update", [ONE, TWO], [ONE, TWO], ttl="[secret]")],
        [records("update", [ONE, TWO], [ONE, TWO], ttl=60.0)],
        {},
        "not-known-yet",
        id="TTL that is not shown",
    ),
    pytest.param(
        [records("update", [ONE, TWO], [ONE, TWO], ttl="3600")],
        [records("delete", [ONE, TWO], None, ttl="3600")],
        {},
        "not-known-yet",
        id="TTL as a text, of a name that stays or goes",
    ),
    pytest.param(
        [public_address("replace", "ex02", TWO), outside([ONE, TWO], [ONE, UNKNOWN], "ex02")],
        [public_address("update", "ex02", TWO), outside([ONE, TWO], [ONE, UNKNOWN], "ex02")],
        {},
        "not-known-yet",
        id="a public address replaced, or only changed",
    ),
    pytest.param(
        [
            public_address("update", "ex02", TWO, detailedDiff={"publicIPAllocationMethod": {"kind": "update"}}),
            outside([ONE, TWO], [ONE, UNKNOWN], "ex02"),
        ],
        [
            public_address("update", "ex02", TWO, detailedDiff={"tags.a": {"kind": "add"}}),
            outside([ONE, TWO], [ONE, UNKNOWN], "ex02"),
        ],
        {},
        "not-known-yet",
        id="a public address that may change in place",
    ),
]


@pytest.mark.parametrize(("unsafe", "safe", "setting", "name"), CASES)
def test_an_unsafe_plan_has_its_danger_and_its_safe_variant_does_not(
    tmp_path: Path, unsafe: list[Step], safe: list[Step], setting: dict[str, Any], name: str
) -> None:
    general = {key: value for key, value in setting.items() if key != "safe"}
    places = {"servers": TWO_SERVERS, **general}
    assert name in {danger.name for danger in previews.found(tmp_path, digest(unsafe, **places))}
    places = {**places, **setting.get("safe", {})}
    assert name not in {danger.name for danger in previews.found(tmp_path, digest(safe, **places))}


def test_each_danger_has_a_case_here_and_a_row_in_the_docs() -> None:
    assert {case.values[3] for case in CASES} == set(RULES)
    rows = re.findall(
        r"^\| `([a-z-]+)` \|", (REPOSITORY / "docs" / "review.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(RULES) <= set(rows)
