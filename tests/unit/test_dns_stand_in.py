"""The Azure DNS stand-in, asked over real sockets by dnspython."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from rehearsal.stand_ins.dns import AzureDns, RecordSet

pytestmark = pytest.mark.unit

ADDRESSES = ("127.40.0.11", "127.40.0.12", "127.40.0.13")


@dataclass(frozen=True, kw_only=True)
class Row(RecordSet):
    name: str = "owa"
    zone: str = "mail-domain.com"
    type: str = "A"
    ttl: int = 300
    values: tuple[str, ...] = ADDRESSES
    private: bool = False


@dataclass(kw_only=True)
class Zone:
    rows: list[Row] = field(default_factory=lambda: [Row()])


Ask = Callable[..., dns.message.Message]


def make_asker(server: AzureDns) -> Ask:
    def ask(name: str, kind: str = "A", *, over: str = "udp") -> dns.message.Message:
        transport = dns.query.udp if over == "udp" else dns.query.tcp
        return transport(dns.message.make_query(name, kind), server.address, port=server.port, timeout=5)

    return ask


def read_addresses(reply: dns.message.Message) -> list[str]:
    return [record.address for rrset in reply.answer for record in rrset]


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def server(zone: Zone) -> Iterator[AzureDns]:
    with AzureDns(lambda: zone.rows) as running:
        yield running


@pytest.fixture
def private_server(zone: Zone) -> Iterator[AzureDns]:
    with AzureDns(lambda: zone.rows, private=True) as running:
        yield running


@pytest.mark.parametrize("over", ["udp", "tcp"])
def test_an_answer_has_all_addresses_and_the_record_sets_ttl(server: AzureDns, zone: Zone, over: str) -> None:
    zone.rows = [Row(ttl=60), Row(name="autodiscover", ttl=300)]
    reply = make_asker(server)("owa.mail-domain.com", over=over)
    assert sorted(read_addresses(reply)) == sorted(ADDRESSES)
    assert reply.answer[0].ttl == 60
    assert reply.flags & dns.flags.AA


def test_twenty_addresses_fit_into_one_datagram(server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(values=tuple(f"127.40.0.{last}" for last in range(1, 21)))]
    reply = make_asker(server)("owa.mail-domain.com")
    assert len(read_addresses(reply)) == 20
    assert not reply.flags & dns.flags.TC


def test_each_answer_begins_with_the_next_address(server: AzureDns) -> None:
    ask = make_asker(server)
    assert [read_addresses(ask("owa.mail-domain.com"))[0] for _ in range(4)] == [*ADDRESSES, ADDRESSES[0]]


def test_each_name_rotates_independently(server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(), Row(name="autodiscover")]
    ask = make_asker(server)
    ask("owa.mail-domain.com")
    assert read_addresses(ask("autodiscover.mail-domain.com"))[0] == ADDRESSES[0]


def test_a_changed_record_set_is_answered_immediately(server: AzureDns, zone: Zone) -> None:
    ask = make_asker(server)
    ask("owa.mail-domain.com")
    zone.rows = [Row(values=("127.40.0.99",))]
    assert read_addresses(ask("owa.mail-domain.com")) == ["127.40.0.99"]


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("other.mail-domain.com", "A", dns.rcode.NXDOMAIN),
        ("owa.mail-domain.com", "AAAA", dns.rcode.NOERROR),
        ("mail-domain.com", "A", dns.rcode.NOERROR),
    ],
)
def test_an_answer_without_records_may_be_cached_for_300_seconds(
    server: AzureDns, name: str, kind: str, rcode: dns.rcode.Rcode
) -> None:
    reply = make_asker(server)(name, kind)
    authority = reply.authority[0]
    assert reply.rcode() == rcode
    assert reply.answer == []
    assert (authority.rdtype, min(authority.ttl, authority[0].minimum)) == (dns.rdatatype.SOA, 300)


def test_a_parent_of_an_existing_name_exists_without_data(server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(name="owa.berlin")]
    assert make_asker(server)("berlin.mail-domain.com").rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("name", ["owa.elsewhere.example", "notmail-domain.com", "com"])
def test_a_name_outside_the_zones_is_refused(server: AzureDns, name: str) -> None:
    reply = make_asker(server)(name)
    assert reply.rcode() == dns.rcode.REFUSED
    assert not reply.flags & dns.flags.AA


def test_names_are_found_in_any_letter_case_and_answered_in_the_questions(server: AzureDns) -> None:
    reply = make_asker(server)("OwA.Mail-Domain.COM")
    assert str(reply.answer[0].name) == "OwA.Mail-Domain.COM."
    assert len(read_addresses(reply)) == 3


def test_the_apex_is_written_as_an_at_sign(server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(name="@")]
    assert len(read_addresses(make_asker(server)("mail-domain.com"))) == 3


def test_a_zone_answers_its_start_of_authority(server: AzureDns) -> None:
    assert make_asker(server)("mail-domain.com", "SOA").answer[0][0].minimum == 300


def test_a_public_zone_has_four_name_servers_and_a_private_one_has_none(
    server: AzureDns, private_server: AzureDns, zone: Zone
) -> None:
    named = make_asker(server)("mail-domain.com", "NS").answer[0]
    assert sorted(str(record.target) for record in named) == [
        "ns1-01.azure-dns.com.",
        "ns2-01.azure-dns.net.",
        "ns3-01.azure-dns.org.",
        "ns4-01.azure-dns.info.",
    ]
    zone.rows = [Row(private=True)]
    assert make_asker(private_server)("mail-domain.com", "NS").answer == []


def test_the_deepest_zone_answers(server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(zone="com", name="owa.mail-domain", values=("127.0.0.9",)), Row()]
    assert len(read_addresses(make_asker(server)("owa.mail-domain.com"))) == 3


def test_a_private_record_set_is_hidden_from_the_public_view(
    server: AzureDns, private_server: AzureDns, zone: Zone
) -> None:
    zone.rows = [Row(values=("127.40.0.11",), private=True), Row(values=("203.0.113.1",))]
    assert read_addresses(make_asker(server)("owa.mail-domain.com")) == ["203.0.113.1"]
    assert read_addresses(make_asker(private_server)("owa.mail-domain.com")) == ["127.40.0.11"]


def test_the_private_view_answers_public_zones_too(private_server: AzureDns) -> None:
    assert len(read_addresses(make_asker(private_server)("owa.mail-domain.com"))) == 3


def test_a_private_zone_hides_the_public_zone_of_the_same_name(private_server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(private=True), Row(name="autodiscover")]
    assert make_asker(private_server)("autodiscover.mail-domain.com").rcode() == dns.rcode.NXDOMAIN


def test_the_log_has_each_question_and_its_answer(server: AzureDns) -> None:
    ask = make_asker(server)
    ask("owa.mail-domain.com")
    ask("other.mail-domain.com")
    assert [(q.name, q.type, q.status, q.values) for q in server.queries] == [
        ("owa.mail-domain.com", "A", "NOERROR", ADDRESSES),
        ("other.mail-domain.com", "A", "NXDOMAIN", ()),
    ]


def test_resolvable_names_are_those_with_addresses(server: AzureDns, zone: Zone) -> None:
    zone.rows = [Row(), Row(name="empty", values=()), Row(name="hidden", private=True)]
    assert server.names() == ["owa.mail-domain.com"]


def test_a_stopped_dns_server_does_not_answer_and_can_be_started_again(zone: Zone) -> None:
    server = AzureDns(lambda: zone.rows)
    for _ in range(2):
        server.start()
        assert read_addresses(make_asker(server)("owa.mail-domain.com"))
        server.stop()
    with pytest.raises(ConnectionRefusedError):
        make_asker(server)("owa.mail-domain.com", over="tcp")
