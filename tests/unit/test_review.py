"""The review as it is typed and read: files, exit codes, what it prints, and Markdown that no value breaks."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from operations.__main__ import app
from operations.review.markdown import LONGEST, code
from rehearsal.tools import REPOSITORY
from tests.unit import previews
from tests.unit.previews import (
    NAMESPACE,
    NAT,
    PUBLIC,
    RECORDS,
    RESTORE,
    SERVER,
    UNKNOWN,
    VM,
    Step,
    command,
    digest,
    events,
    machine,
    records,
    server,
    stack,
    step,
)

pytestmark = pytest.mark.unit

LINK = "azure-native:privatedns:VirtualNetworkLink"
ONE, TWO, THREE = (f"10.0.0.{number}" for number in range(1, 4))
SERVERS = {"ex01": server(1), "ex02": server(2)}
DRAINED = records("update", [ONE, TWO], [ONE])
Review = Callable[..., Result]


def of(*steps: Step, **config: Any) -> Step:
    return digest(steps, SERVERS, **config)


def row(text: str, name: str) -> list[str]:
    """The cells of the one table row that begins with this."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_name_has_its_addresses_before_and_after_with_the_servers_behind_them(review: Review) -> None:
    cells = row(review(of(DRAINED)).stdout, "`owa.mail-domain.com`")
    assert cells == [
        "`owa.mail-domain.com`",
        "inside",
        f"`{ONE}` (ex01), ~~`{TWO}` (ex02)~~",
        f"`{ONE}` (ex01)",
        "300 s",
    ]


def test_a_name_outside_is_told_apart_and_a_new_address_is_marked(review: Review) -> None:
    text = review(of(records("update", [ONE], [ONE, TWO], type=PUBLIC, ttl=60))).stdout
    assert row(text, "`owa")[1:4] == ["outside", f"`{ONE}` (ex01)", f"`{ONE}` (ex01), **`{TWO}` (ex02)**"]


def test_a_zone_that_is_made_in_the_same_run_tells_its_name_by_its_own_step(review: Review) -> None:
    zone = step("create", RECORDS, previews.PRIVATE_ZONE, "cas-zone", None, {"privateZoneName": "new.example"})
    text = review(of(zone, records("create", None, [ONE, TWO], zone=UNKNOWN))).stdout
    assert row(text, "`owa.new.example`")[2] == "no such name"


def test_settings_that_change_have_old_and_new_and_all_servers_with_the_same_change(review: Review) -> None:
    old = {"server": "EX01", "settings": {"ews": {"ExternalUrl": "https://a.example/EWS"}, "owa": {"X": 1}}}
    new = {"server": "EX01", "settings": {"ews": {"ExternalUrl": "https://b.example/EWS"}, "owa": {"X": 1}}}
    steps = [command("update", key, "namespace", old, new) for key in ("ex01", "ex02")]
    text = review(of(*steps)).stdout
    assert row(text, "`ex01`, `ex02`")[1:] == [
        "`ews.ExternalUrl`",
        "`https://a.example/EWS`",
        "`https://b.example/EWS`",
    ]
    assert "owa.X" not in text


def test_what_forces_a_replacement_is_named(review: Review) -> None:
    forced = {"storageProfile.imageReference.sku": {"kind": "update-replace"}, "tags.a": {"kind": "update"}}
    text = review(of(machine("replace", "ex02", detailedDiff=forced))).stdout
    assert "`storageProfile.imageReference.sku` cannot be changed on what exists" in text
    by_hand = review(of(machine("replace", "ex02", replaceReasons=["id"]))).stdout
    assert "asked for by hand" in by_hand


@pytest.mark.parametrize(
    "told",
    [
        {"diffReasons": ["triggers"]},
        {"diffReasons": ["triggers"], "detailedDiff": {"triggers[0]": {"kind": "update-replace", "inputDiff": False}}},
    ],
)
def test_a_command_whose_trigger_differs_runs_again_for_that(review: Review, told: dict[str, Any]) -> None:
    text = review(of(command("replace", "ex02", "rotation", {}, {}, **told))).stdout
    assert "it goes into or out of rotation" in text


def test_what_vanishes_with_something_says_with_what(review: Review) -> None:
    vm = machine("replace", "ex02", replaceReasons=["id"])
    ssh = step("replace", SERVER, "azure-native:compute:VirtualMachineRunCommandByVirtualMachine", "cas-ex02-ssh")
    ssh["newState"]["deletedWith"] = vm["urn"]
    assert "the virtual machine it belongs to is deleted" in review(of(vm, ssh)).stdout


def test_what_costs_money_is_told_where_it_is_added_removed_or_resized(review: Review) -> None:
    resized = machine("update", "ex02")
    resized["newState"]["inputs"] = {"hardwareProfile": {"vmSize": "Standard_D8s_v5"}}
    text = review(of(machine("create", "ex01"), resized, step("delete", RECORDS, NAT, "cas-outbound"))).stdout
    assert "**+** virtual machine and its disk: `cas-ex01-vm (Standard_D4s_v5)`" in text
    assert "from `Standard_D4s_v5` to `Standard_D8s_v5`" in text
    assert "**-** NAT gateway: `cas-outbound`" in text
    assert "What costs money" not in review(of(DRAINED)).stdout


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param([DRAINED], "one address is behind the name", id="one address"),
        pytest.param(
            [records("update", [ONE, TWO], [ONE]), records("update", [ONE], [ONE, TWO], label="autodiscover")],
            f"owa.mail-domain.com lacks {TWO}",
            id="names that differ",
        ),
        pytest.param([records("replace", [ONE, TWO], [ONE, TWO])], "no answer in between", id="replaced"),
        pytest.param(
            [
                command(
                    "update", "ex01", "namespace", {"settings": {}}, {"settings": {"owa": {"InternalUrl": "http://a"}}}
                )
            ],
            "http://a is not an absolute URL that begins with https://",
            id="URL",
        ),
        pytest.param(
            [
                step(
                    "update",
                    RECORDS,
                    "azure-native:network:NetworkSecurityGroup",
                    "cas-security-group",
                    None,
                    {
                        "securityRules": [
                            {
                                "name": "AllowAdmins",
                                "direction": "Inbound",
                                "access": "Allow",
                                "sourceAddressPrefix": "Internet",
                                "destinationPortRanges": ["22"],
                            }
                        ]
                    },
                )
            ],
            "AllowAdmins opens port 22 (SSH) to the Internet",
            id="management port",
        ),
        pytest.param(
            [command("delete", "ex02", "namespace", {"server": "EX02"})], "the URLs on it stay as they are", id="left"
        ),
        pytest.param(
            [
                command("delete", "ex02", "namespace", {"server": "EX02"}),
                step("delete", NAMESPACE, RESTORE, "cas-ex02-restore", {"delete": "python -m operations.restore"}),
            ],
            "`ex02` is no longer looked after: its own URLs are put back",
            id="put back",
        ),
    ],
)
def test_what_is_worth_a_second_thought_is_said_and_not_refused(review: Review, steps: list[Step], said: str) -> None:
    result = review(of(*steps), "--strict")
    assert said in result.stdout
    assert result.exit_code == 0


def items(text: str, title: str) -> list[list[str]]:
    """The rows under a heading, without the part that they are of."""
    table = text.partition(f"### {title}\n")[2].partition("\n###")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")][1:] for line in lines]


def test_who_is_let_in_is_told_rule_by_rule_old_and_new(review: Review) -> None:
    others = previews.rule("DenyOthers", 4000, "*", 443, access="Deny")
    before = [
        previews.rule("AllowClients", 300, "VirtualNetwork", 443, 80),
        previews.rule("Old", 301, ["a", "b"]),
        others,
    ]
    after = [previews.rule("AllowClients", 300, "10.99.9.9", 80), previews.rule("New", 302, "Internet", 443), others]
    text = review(of(previews.security("update", before, after))).stdout
    rules = "`securityRules`"
    assert items(text, "Who is let in") == [
        [
            *(rules, "`AllowClients`"),
            "`Allow Tcp from VirtualNetwork to port 443, 80, priority 300`",
            "`Allow Tcp from 10.99.9.9 to port 80, priority 300`",
        ],
        [rules, "`Old`", "`Allow Tcp from a, b to port *, priority 301`", "not there"],
        [rules, "`New`", "not there", "`Allow Tcp from Internet to port 443, priority 302`"],
    ]


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        pytest.param(
            {"dhcp": {"dnsServers": ["10.0.0.4", "10.0.0.5"]}},
            {"dhcp": {"dnsServers": ["10.0.0.5", "10.0.0.6"]}},
            [
                ["`dhcp.dnsServers`", "", "`10.0.0.4`", "not there"],
                ["`dhcp.dnsServers`", "", "not there", "`10.0.0.6`"],
            ],
            id="inside of a mapping",
        ),
        pytest.param(
            {"zones": ["1", "2"]},
            {"zones": ["2", "1"]},
            [["`zones`", "(order)", "`1, 2`", "`2, 1`"]],
            id="in another order",
        ),
        pytest.param({}, {"zones": ["1"]}, [["`zones`", "", "not there", "`1`"]], id="a first list"),
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
                ["`parts`", "`c`", "`name: c`", "not there"],
                ["`parts`", "`b`", "not there", "`name: b; size: 1`"],
            ],
            id="parts of items that come and go",
        ),
        pytest.param(
            {"parts": [{"id": "x", "tags": ["u", "v"]}]},
            {"parts": [{"id": "y", "tags": ["u", "v"]}]},
            [["`parts`", "", "`id: x; tags: u, v`", "not there"], ["`parts`", "", "not there", "`id: y; tags: u, v`"]],
            id="items without a name",
        ),
        pytest.param(
            {"parts": [{"name": "AdminPassword", "value": "S3"}, {"password": "S4"}], "protectedParts": ["S5"]},
            {"parts": [{"name": "AdminPassword", "value": "T3"}, {"password": "T4"}], "protectedParts": ["T5"]},
            [
                *(
                    ["`parts`", "", f"`{one}: [secret]`", "not there"]
                    for one in ("name: AdminPassword; value", "password")
                ),
                *(
                    ["`parts`", "", "not there", f"`{one}: [secret]`"]
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
def test_every_list_that_differs_is_told_item_by_item(
    review: Review, before: Step, after: Step, rows: list[list[str]]
) -> None:
    text = review(of(step("update", RECORDS, NAT, "cas-outbound", before, after))).stdout
    assert items(text, "Lists that change") == rows


def test_lists_that_have_a_place_of_their_own_are_not_told_twice(review: Review) -> None:
    gate = step(
        "replace", NAMESPACE, previews.COMMAND, "cas-ex01-rotation", {"triggers": [True]}, {"triggers": [False]}
    )
    assert "Lists that change" not in review(of(gate, DRAINED)).stdout
    text = step("update", RECORDS, PUBLIC, "txt", {"recordType": "TXT", "txtRecords": [{"value": ["a"]}]}, {"ttl": 1})
    assert items(review(of(text)).stdout, "Lists that change") == [["`txtRecords`", "", "`a`", "not there"]]


def test_a_server_whose_two_commands_are_told_the_same_is_named_once(review: Review) -> None:
    old, new = {"exchangeVersion": "2019"}, {"exchangeVersion": "SE"}
    steps = [command("update", key, what, old, new) for key in ("ex01", "ex02") for what in ("namespace", "rotation")]
    cells = row(review(of(*steps)).stdout, "`ex01`, `ex02`")
    assert cells == ["`ex01`, `ex02`", "`exchangeVersion`", "`2019`", "`SE`"]


def test_parts_inside_and_outside_with_one_name_are_one_subject_of_a_danger(review: Review) -> None:
    both = [records("delete", [ONE], None, type=type, old={"protect": True}) for type in (PUBLIC, previews.PRIVATE)]
    text = review(of(*both)).stdout
    assert "**`protected-deleted`**: `cas-owa-a`. " in text


@pytest.mark.parametrize("parent", [SERVER, "urn:pulumi:prod::p::exchange-cas:index:"])
def test_an_operation_that_the_review_does_not_know_is_named_and_refused(review: Review, parent: str) -> None:
    strange = step("froB", parent, "exchange-cas:index:Thing" if parent != SERVER else NAT, "cas-outbound")
    for content in (of(strange), "\n".join(events(of(strange))).encode()):
        result = review(content, "--strict")
        assert result.exit_code == 1
        assert "**`unknown-operation`**: `cas-outbound`. The engine would do `froB` with it" in result.stdout
        assert "| `froB` |" in result.stdout
        assert "1 `froB`." in result.stdout
    accepted = review(of(strange), "--strict", "--allow", "unknown-operation=it is a rename")
    assert accepted.exit_code == 0


def test_an_unknown_operation_beside_a_known_one_of_the_same_part_is_not_lost(review: Review) -> None:
    steps = [step(operation, SERVER, NAT, "cas-outbound") for operation in ("update", "froB", "replace")]
    assert review(of(*steps), "--strict").exit_code == 1


@pytest.mark.parametrize("operation", ["read", "refresh", "discard", "remove-pending-replace"])
def test_what_happens_in_the_state_alone_is_nothing(review: Review, operation: str) -> None:
    assert "**Nothing changes**" in review(of(step(operation, SERVER, NAT, "cas-outbound")), "--strict").stdout


def test_an_existing_server_that_joins_in_dns_is_a_second_thought(review: Review) -> None:
    steps = [
        command("create", "ex02", "namespace", None, {"server": "EX02"}),
        command("create", "ex02", "rotation", None, {"inRotation": True}),
        records("update", [ONE], [ONE, TWO]),
    ]
    result = review(of(*steps), "--strict")
    assert result.exit_code == 0
    assert "`ex02` enters DNS in the run that first tells it the URLs" in result.stdout
    assert "first tells it the URLs" not in review(of(*steps[:2], records("update", [ONE, TWO], [TWO]))).stdout
    assert "first tells it the URLs" not in review(of(*steps, machine("create", "ex02"))).stdout


LINKED = {"virtualNetwork": {"id": "/subscriptions/s/…/hub"}}


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param(
            [records("create", None, [ONE, TWO], label=one) for one in ("owa", "mail")],
            "`mail.mail-domain.com`, `owa.mail-domain.com`: new in a zone that exists",
            id="names",
        ),
        pytest.param(
            [step("create", RECORDS, LINK, "cas-hub-link", None, LINKED)],
            "`cas-hub-link`: Azure links a network to one private zone of a name",
            id="link",
        ),
    ],
)
def test_what_a_preview_cannot_see_in_the_way_of_new_names_and_links_is_a_second_thought(
    review: Review, steps: list[Step], said: str
) -> None:
    result = review(of(*steps), "--strict")
    assert result.exit_code == 0
    assert said in result.stdout
    assert result.stdout.count("`python -m operations adopt` tells") == 1


def test_a_new_zone_and_a_new_network_have_nothing_in_the_way(review: Review) -> None:
    zone = step("create", RECORDS, previews.PRIVATE_ZONE, "cas-zone", None, {"privateZoneName": "mail-domain.com"})
    link = step("create", RECORDS, LINK, "cas-servers-link", None, {"virtualNetwork": {"id": UNKNOWN}})
    assert "operations adopt" not in review(of(zone, link, records("create", None, [ONE, TWO], zone=UNKNOWN))).stdout
    assert "operations adopt" not in review(of(DRAINED)).stdout


def test_warnings_of_the_program_are_told(review: Review) -> None:
    content = of(DRAINED) | {"diagnostics": [{"severity": "warning", "message": "warning: something is odd\n"}]}
    assert "- `something is odd`" in review(content).stdout


def test_what_is_a_danger_already_is_not_said_once_more_by_the_programs_warning(review: Review) -> None:
    said = "a client keeps the address of a lost server for 3600 s"
    long = of(records("update", [ONE, TWO], [ONE, TWO], ttl=3600))
    long["diagnostics"] = [
        {"severity": "warning", "message": f"dns.ttlSeconds = 3600: {said}; at most 300 s is advised."}
    ]
    text = review(long).stdout
    assert text.lower().count(said) == 1
    assert "second thought" not in text
    assert said in review({**long, "steps": []}).stdout, "where nothing else says it, the program does"


def zone(operation: str, *, protect: bool, type: str = previews.PRIVATE_ZONE) -> Step:
    inputs = {"privateZoneName" if type == previews.PRIVATE_ZONE else "zoneName": "mail-domain.com"}
    return step(operation, RECORDS, type, "cas-zone", inputs, old={"protect": not protect}, new={"protect": protect})


@pytest.mark.parametrize("type", [previews.PRIVATE_ZONE, previews.PUBLIC_ZONE])
@pytest.mark.parametrize("operation", ["create", "update", "same"])
def test_a_zone_of_production_that_is_not_protected_is_spoken_of_once(
    review: Review, operation: str, type: str
) -> None:
    said = "a zone of production is not protected, and one command deletes it. Set protect: true."
    unprotected = of(zone(operation, protect=False, type=type))
    assert f"- `mail-domain.com: {said}`" in review(unprotected, "--strict").stdout
    by_the_program = {"diagnostics": [{"severity": "warning", "message": f"dns.private: {said}"}]}
    assert review({**unprotected, **by_the_program}).stdout.count(said) == 1
    assert said not in review(of(zone(operation, protect=True, type=type))).stdout
    of_a_lab = json.dumps(unprotected).replace("pulumi:prod::", "pulumi:lab::")
    assert said not in review(of_a_lab.encode()).stdout


def test_nothing_changes_is_one_sentence_and_who_answers(review: Review) -> None:
    text = review(of()).stdout
    assert "**Nothing changes**" in text
    assert "`autodiscover.mail-domain.com`, `owa.mail-domain.com`, answered by `ex01`, `ex02`" in text
    assert "### Parts" not in text


def test_strict_refuses_by_name_and_without_it_the_same_is_only_told(review: Review) -> None:
    unsafe = of(records("delete", [ONE, TWO], None))
    strict, told = review(unsafe, "--strict"), review(unsafe)
    assert (strict.exit_code, told.exit_code) == (1, 0)
    assert "**Refused: no-address-left.**" in told.stdout == strict.stdout
    assert "Refused: no-address-left." in strict.stderr


def test_an_accepted_danger_is_printed_with_its_reason_and_another_one_is_still_refused(review: Review) -> None:
    both = of(records("delete", [ONE, TWO], None), machine("delete", "ex02"))
    accepted = ["--strict", "--allow", "no-address-left=the name is | given up @nobody"]
    result = review(both, *accepted)
    assert result.exit_code == 1
    assert "**Refused: serving-server-lost.**" in result.stdout
    assert "Accepted: <code>the name is &#124; given up &#64;<!-- -->nobody</code>" in result.stdout
    result = review(both, *accepted, "--allow", "serving-server-lost=it is empty")
    assert result.exit_code == 0
    assert "**Accepted**" in result.stdout


def test_what_is_accepted_wrongly_is_told_all_at_once(review: Review) -> None:
    result = review(of(), "--allow", "zone-deletd=because", "--allow", "zone-deleted=", "--allow", "zone-deleted")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "zone-deletd is no danger; choose one of no-address-left" in result.stderr
    assert result.stderr.count("write --allow zone-deleted=REASON") == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"Previewing update",
        b'{"steps": [{"op": "create"}]}',
        b'{"steps": 1}',
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_is_no_preview_is_refused_by_its_name_with_the_remedy(review: Review, content: bytes) -> None:
    result = review(content)
    assert result.exit_code == 2
    assert "preview.json is not the whole output of `pulumi preview --json`" in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["review", str(tmp_path / "none.json")])
    assert result.exit_code == 2
    assert "none.json: No such file or directory" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_as_powershell_writes_it_is_read(review: Review, encoding: str) -> None:
    assert review(json.dumps(of(DRAINED)).encode(encoding)).stdout == review(of(DRAINED)).stdout


def test_a_preview_that_failed_is_shown_with_its_dangers_and_is_never_fine(review: Review) -> None:
    failed = of(DRAINED) | {"diagnostics": [{"severity": "error", "message": "error: no ``` such thing"}]}
    result = review(failed)
    assert result.exit_code == 2
    assert "**The preview failed**" in result.stdout
    assert "````text\nerror: no ``` such thing\n````" in result.stdout
    unsafe = failed | {"steps": [machine("delete", "ex02")]}
    assert review(unsafe, "--strict").exit_code == 1


def test_the_engine_s_events_tell_the_same_as_its_digest(review: Review) -> None:
    steps = [stack(**SERVERS), records("update", [ONE, TWO], [ONE], detailedDiff={"aRecords[1]": {"kind": "delete"}})]
    content = {**of(), "steps": steps}
    lines = events(content)
    digested = review(content).stdout
    assert review("\n".join(lines).encode()).stdout == digested
    assert review("\n".join(lines[:-1]).encode()).exit_code == 2, "without an end it is not the whole"
    said = {"diagnosticEvent": {"severity": "error", "message": "<{%fg 1%}>error: <{%reset%}>it broke"}}
    failed = review("\n".join([*lines, json.dumps({"sequence": 9, **said})]).encode())
    assert "```text\nerror: it broke\n```" in failed.stdout


def test_the_markdown_goes_into_a_file_instead(review: Review, tmp_path: Path) -> None:
    file = tmp_path / "review.md"
    result = review(of(DRAINED), "--output", str(file))
    assert result.stdout == ""
    assert file.read_text(encoding="utf-8") == review(of(DRAINED)).stdout
    result = review(of(DRAINED), "--output", str(tmp_path / "none" / "review.md"))
    assert result.exit_code == 2
    assert "Name a file in a folder that exists" in result.stderr


HOSTILE = (
    "a|b`c <img src=x> @everyone [x](http://evil) **loud** \\| ![y](z) #1 \u202e&amp; "
    "www.evil.example https://evil.example me@evil.example"
)
LINKS = re.compile(r"www\.|://|(?:@|&#64;)\w")


def hostile(text: str) -> list[Step]:
    """Previews with this text in each place where a preview has a text of somebody's own."""
    return [
        of(records("update", [ONE, TWO], [ONE], label=text)),
        of(records("update", [ONE, TWO], [text, "x|y"])),
        of(records("update", [ONE, TWO], [ONE, TWO], ttl=text)),
        of(records("update", [ONE, TWO], [THREE], ttl=text)),
        of(step("create", RECORDS, text, text)),
        of(step("delete", RECORDS, VM, text, {"hardwareProfile": {"vmSize": text}})),
        of(step("update", RECORDS, NAT, "nat", detailedDiff={text: {"kind": "update"}})),
        of(command("update", "ex01", "namespace", {"settings": {text: "a"}}, {"settings": {text: text}})),
        digest([DRAINED], {"ex01": server(1), text: server(2)}),
        of(DRAINED) | {"diagnostics": [{"severity": "warning", "message": text}]},
        of(previews.security("update", [previews.rule(text, 300, text, 443)], [previews.rule("b", 1, "c", 443)], text)),
        of(previews.interface("update", "ex01", text, f"/{text}")),
        of(step("update", RECORDS, NAT, "nat", {text: [text], "b": [{"name": text}]}, {"b": [{text: text}]})),
        of(step(text, RECORDS, NAT, text)),
        of(records("create", None, [ONE, TWO], label=text)),
    ]


@pytest.mark.parametrize("content", [*hostile(HOSTILE), *hostile(re.sub(r"[`|\\]", "", HOSTILE))])
def test_no_value_is_markup_a_mention_a_link_or_a_cell_of_its_own(review: Review, content: Step) -> None:
    text = review(content).stdout
    # What GitHub takes as code, it takes for nothing else.
    without_code = re.sub(r"<code>(?:[^<>`|]|<!-- -->)*</code>|`[^`\n]*`", "CODE", text)
    for sign in ("<img", "@everyone", "](http", "![", "**loud**", "#1", "\u202e", "www.", "://", "@evil"):
        assert sign not in without_code
    # But for a tag: there it looks for links, as in all other text.
    assert [tag for tag in re.findall(r"<code>(.*?)</code>", text) if LINKS.search(tag)] == []
    tables = re.findall(r"(?:^\|.*\n)+", without_code, re.MULTILINE)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "\u202e" not in text


@pytest.mark.parametrize("value", ["a|b", "a`b", "a\\|b", "``", "\\", "|me@www.example"])
def test_a_value_with_signs_of_a_table_can_be_read_back(value: str) -> None:
    assert html.unescape(code(value)).replace("<!-- -->", "") == f"<code>{value}</code>"


def test_a_secret_document_is_said_to_be_one(review: Review) -> None:
    changed = command("update", "ex01", "namespace", "[secret]", "[secret]", detailedDiff={"stdin": {"kind": "update"}})
    assert row(review(of(changed)).stdout, "`ex01`")[1:] == ["`(all in one secret text)`", "`[secret]`", "`[secret]`"]


def many(count: int) -> Step:
    """A preview in which so many servers are made, with both names, and every setting of them changes."""
    servers = {f"ex{number:02}": server(number) for number in range(1, count + 1)}
    old = {
        "settings": {
            service: {f"Url{n}": f"https://{service}.old.example/{n}" for n in range(3)} for service in "abcdefg"
        }
    }
    new = json.loads(json.dumps(old).replace("old.example", "new.example"))
    steps = [records("update", [ONE], [row["address"] for row in servers.values()], label=one) for one in ("owa", "a")]
    for number, key in enumerate(servers):
        steps.append(machine("create", key))
        told = json.loads(json.dumps(new).replace("new", f"new-{number}"))
        steps += [command("update", key, what, old, told) for what in ("namespace", "rotation")]
        steps += [step("create", SERVER, NAT, f"cas-{key}-{index}") for index in range(20)]
    return digest(steps, servers)


def test_a_long_review_fits_a_comment_with_its_dangers_whole_and_says_what_is_left_out(review: Review) -> None:
    text = review(many(200)).stdout
    assert len(text.encode()) <= LONGEST < 65_536
    assert "more, left out here for their length" in text
    assert "**`enters-dns-as-made`**" in text
    assert text.rstrip().endswith("</sub>")
    assert text.count("<details>") == text.count("</details>") > 0


@pytest.mark.parametrize("sign", ["a", "|", "\U0001f600"])
def test_a_long_reason_is_shortened_so_that_the_review_fits_a_comment(review: Review, sign: str) -> None:
    both = of(records("delete", [ONE, TWO], None), machine("delete", "ex02"))
    names = ("no-address-left", "serving-server-lost")
    text = review(both, *(word for name in names for word in ("--allow", f"{name}={sign * 70_000}"))).stdout
    assert len(text.encode()) <= LONGEST
    assert html.unescape(text).count(f"{sign * 200}") == 2
    assert html.unescape(text).count("…") == 2


def test_a_long_table_is_folded_and_a_short_one_is_not(review: Review) -> None:
    assert "<details>" not in review(of(DRAINED)).stdout
    assert "<details>" in review(many(20)).stdout


def test_the_command_starts_without_the_parts_that_only_other_commands_need() -> None:
    """They cost half a second; a review shall take less than one."""
    loaded = "import operations.__main__, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert {"asyncssh", "httpx", "pulumi"}.isdisjoint(modules.stdout.split())
    assert "typer" in modules.stdout.split()


def test_twice_the_servers_take_about_twice_the_work(tmp_path: Path) -> None:
    """The work is linear: a review of many servers is no wait. Calls are counted, which no busy computer adds to."""

    def work(count: int) -> int:
        from operations.review.page import page

        preview = previews.preview(tmp_path, many(count))
        calls = 0

        def called(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(called)
        try:
            page(preview, {})
        finally:
            sys.setprofile(before)
        return calls

    work(1)
    few, more = work(20), work(40)
    assert few < 500_000
    assert more < 2.5 * few
