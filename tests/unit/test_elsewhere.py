"""Hosts that only the URLs of services name: on the certificate, and in the rehearsal's DNS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.namespace_args import NamespaceArgs, OutlookAnywhereArgs, ServicesArgs, UrlServiceArgs
from rehearsal.elsewhere import every_host, with_elsewhere
from rehearsal.rehearsal import certificates
from rehearsal.stand_ins.dns import RecordSet
from rehearsal.tools import ToolMissingError

pytestmark = pytest.mark.unit

WANTED = NamespaceArgs(
    domain="mail-domain.com",
    external_client_name="outside",
    services=ServicesArgs(
        ews=UrlServiceArgs(external_url="https://EWS.other.example:8443/EWS/Exchange.asmx"),
        outlook_anywhere=OutlookAnywhereArgs(internal_hostname="anywhere.mail-domain.com"),
        oab=UrlServiceArgs(enabled=False, internal_url="https://left-alone.example/OAB"),
    ),
)
OWN = {"owa.mail-domain.com", "outside.mail-domain.com", "autodiscover.mail-domain.com"}
ELSEWHERE = {"ews.other.example", "anywhere.mail-domain.com"}
INSIDE = RecordSet(zone="mail-domain.com", name="owa", type="A", ttl=300, values=("127.40.0.11",), private=True)
OUTSIDE = replace(INSIDE, name="outside", values=("127.40.1.11",), private=False)


def test_a_certificate_is_for_every_host_that_a_url_names_inside_and_outside() -> None:
    assert every_host(WANTED) == OWN | ELSEWHERE
    made = certificates(every_host(WANTED))
    assert all(made.covers(host) for host in OWN | ELSEWHERE)
    assert not made.covers("left-alone.example")


def test_a_host_that_no_certificate_can_be_for_is_one_sentence() -> None:
    with pytest.raises(ToolMissingError, match=r"owa_1\.example\.com: .*not allowed.* Write a host of letters"):
        certificates({"owa_1.example.com"})


def test_a_host_of_which_the_stack_makes_no_record_leads_where_the_client_name_of_that_side_leads() -> None:
    added = list(with_elsewhere([INSIDE, OUTSIDE], WANTED))[2:]
    found = {(row.private, row.zone, row.name, row.values) for row in added}
    assert found == {(row.private, host, "@", row.values) for row in (INSIDE, OUTSIDE) for host in ELSEWHERE}


def test_a_record_that_is_there_counts_and_without_a_client_name_there_is_none() -> None:
    made = replace(INSIDE, name="anywhere", values=("127.0.0.9",))
    added = list(with_elsewhere([INSIDE, made], WANTED))[2:]
    assert [row.zone for row in added] == ["ews.other.example"]
    assert list(with_elsewhere([], WANTED)) == []
