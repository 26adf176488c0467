"""Warnings of a review: printed, and no reason to refuse the plan."""

from __future__ import annotations

import json

import pytest

from tests.unit import previews
from tests.unit.previews import (
    DRAINED,
    NAMESPACE,
    ONE,
    RECORDS,
    RESTORE,
    TWO,
    UNKNOWN,
    Review,
    Step,
    change,
    command,
    machine,
    records,
    step,
)

pytestmark = pytest.mark.unit


LINK = "azure-native:privatedns:VirtualNetworkLink"


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        pytest.param([DRAINED], "the name has only one address", id="one address"),
        pytest.param(
            [records("update", [ONE, TWO], [ONE]), records("update", [ONE], [ONE, TWO], label="autodiscover")],
            f"owa.mail-domain.com lacks {TWO}",
            id="names that differ",
        ),
        pytest.param([records("replace", [ONE, TWO], [ONE, TWO])], "clients get no answer in between", id="replaced"),
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
            [command("delete", "ex02", "namespace", {"server": "EX02"})],
            "`ex02` is no longer managed. The URLs on it stay as they are.",
            id="left",
        ),
        pytest.param(
            [
                command("delete", "ex02", "namespace", {"server": "EX02"}),
                step("delete", NAMESPACE, RESTORE, "cas-ex02-restore", {"delete": "python -m operations.restore"}),
            ],
            "`ex02` is no longer managed. Its own URLs are restored.",
            id="put back",
        ),
    ],
)
def test_a_warning_is_printed_and_does_not_refuse_the_plan(review: Review, steps: list[Step], sentence: str) -> None:
    result = review(change(*steps), "--strict")
    assert sentence in result.stdout
    assert result.exit_code == 0


def test_an_existing_server_that_enters_dns_before_its_urls_is_a_warning(review: Review) -> None:
    steps = [
        command("create", "ex02", "namespace", None, {"server": "EX02"}),
        command("create", "ex02", "rotation", None, {"inRotation": True}),
        records("update", [ONE], [ONE, TWO]),
    ]
    result = review(change(*steps), "--strict")
    assert result.exit_code == 0
    assert "`ex02` enters DNS in the run that first writes the URLs" in result.stdout
    assert "first writes the URLs" not in review(change(*steps[:2], records("update", [ONE, TWO], [TWO]))).stdout
    assert "first writes the URLs" not in review(change(*steps, machine("create", "ex02"))).stdout


LINKED = {"virtualNetwork": {"id": "/subscriptions/s/…/hub"}}


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        pytest.param(
            [records("create", None, [ONE, TWO], label=one) for one in ("owa", "mail")],
            "`mail.mail-domain.com`, `owa.mail-domain.com`: new in a zone that exists",
            id="names",
        ),
        pytest.param(
            [step("create", RECORDS, LINK, "cas-hub-link", None, LINKED)],
            "`cas-hub-link`: Azure links a network to only one private zone of a name",
            id="link",
        ),
    ],
)
def test_new_names_and_links_that_may_conflict_in_azure_are_warnings(
    review: Review, steps: list[Step], sentence: str
) -> None:
    result = review(change(*steps), "--strict")
    assert result.exit_code == 0
    assert sentence in result.stdout
    assert result.stdout.count("`python -m operations adopt` shows") == 1


def test_a_new_zone_and_a_new_network_cannot_conflict(review: Review) -> None:
    zone = step("create", RECORDS, previews.PRIVATE_ZONE, "cas-zone", None, {"privateZoneName": "mail-domain.com"})
    link = step("create", RECORDS, LINK, "cas-servers-link", None, {"virtualNetwork": {"id": UNKNOWN}})
    assert (
        "operations adopt" not in review(change(zone, link, records("create", None, [ONE, TWO], zone=UNKNOWN))).stdout
    )
    assert "operations adopt" not in review(change(DRAINED)).stdout


def test_warnings_of_the_program_are_printed(review: Review) -> None:
    content = change(DRAINED) | {"diagnostics": [{"severity": "warning", "message": "warning: something is odd\n"}]}
    assert "- `something is odd`" in review(content).stdout


def test_a_warning_of_the_program_that_is_a_danger_already_is_left_out(review: Review) -> None:
    sentence = "a client keeps the address of a lost server for 3600 s"
    long = change(records("update", [ONE, TWO], [ONE, TWO], ttl=3600))
    long["diagnostics"] = [
        {"severity": "warning", "message": f"dns.ttlSeconds = 3600: {sentence}; at most 300 s is advised."}
    ]
    text = review(long).stdout
    assert text.lower().count(sentence) == 1
    assert "### Warnings" not in text
    assert sentence in review({**long, "steps": []}).stdout, "without the danger, the warning is printed"


def zone(operation: str, *, protect: bool, type: str = previews.PRIVATE_ZONE) -> Step:
    inputs = {"privateZoneName" if type == previews.PRIVATE_ZONE else "zoneName": "mail-domain.com"}
    return step(operation, RECORDS, type, "cas-zone", inputs, old={"protect": not protect}, new={"protect": protect})


@pytest.mark.parametrize("type", [previews.PRIVATE_ZONE, previews.PUBLIC_ZONE])
@pytest.mark.parametrize("operation", ["create", "update", "same"])
def test_an_unprotected_zone_of_production_has_one_warning(review: Review, operation: str, type: str) -> None:
    sentence = "a production zone is not protected, so one command can delete it. Set protect: true."
    unprotected = change(zone(operation, protect=False, type=type))
    assert f"- `mail-domain.com: {sentence}`" in review(unprotected, "--strict").stdout
    by_the_program = {"diagnostics": [{"severity": "warning", "message": f"dns.private: {sentence}"}]}
    assert review({**unprotected, **by_the_program}).stdout.count(sentence) == 1
    assert sentence not in review(change(zone(operation, protect=True, type=type))).stdout
    of_a_lab = json.dumps(unprotected).replace("pulumi:prod::", "pulumi:lab::")
    assert sentence not in review(of_a_lab.encode()).stdout
