"""Hosts that only the URLs of services have: on the certificate, and in the rehearsal's DNS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.namespace_args import NamespaceArgs, OutlookAnywhereArgs, ServicesArgs, UrlServiceArgs
from rehearsal.elsewhere import add_missing_records, list_client_hosts
from rehearsal.rehearsal import create_certificates
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


def test_a_certificate_covers_every_host_in_an_internal_or_external_url() -> None:
    assert list_client_hosts(WANTED) == OWN | ELSEWHERE
    made = create_certificates(list_client_hosts(WANTED))
    assert all(made.covers(host) for host in OWN | ELSEWHERE)
    assert not made.covers("left-alone.example")


def test_a_host_that_a_certificate_cannot_contain_is_one_clear_error() -> None:
    with pytest.raises(ToolMissingError, match=r"owa_1\.example\.com: .*not allowed.* Write a host of letters"):
        create_certificates({"owa_1.example.com"})


def test_a_host_without_a_record_gets_the_addresses_of_that_sides_client_name() -> None:
    added = list(add_missing_records([INSIDE, OUTSIDE], WANTED))[2:]
    found = {(row.private, row.zone, row.name, row.values) for row in added}
    assert found == {(row.private, host, "@", row.values) for row in (INSIDE, OUTSIDE) for host in ELSEWHERE}


def test_a_host_with_a_record_keeps_it_and_without_a_client_name_no_record_is_added() -> None:
    made = replace(INSIDE, name="anywhere", values=("127.0.0.9",))
    added = list(add_missing_records([INSIDE, made], WANTED))[2:]
    assert [row.zone for row in added] == ["ews.other.example"]
    assert list(add_missing_records([], WANTED)) == []
