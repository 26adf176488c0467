"""verify finds what is wrong with DNS answers, at the resolver and at the name servers of the public zone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from operations.check.dns import find_name_servers
from operations.result import State, exit_code
from rehearsal.stand_ins.dns import AzureDns
from tests.unit.deployment import Deployment, Record, describe_findings, to_dns_server
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, Farm

pytestmark = pytest.mark.unit


@pytest.fixture
def deployment(farm: Farm) -> Deployment:
    return Deployment(farm=farm)


@pytest.mark.parametrize(
    ("rows", "detail"),
    [
        ([Record(name="owa", values=("127.40.1.1",))], "answers 127.40.1.1 instead of 127.40.1.1, 127.40.1.2"),
        ([Record(name="owa", values=("127.40.1.1", "127.40.1.2"), ttl=301)], "TTL 301 s, more than 300 s"),
        ([Record(name="other", values=("127.40.1.1",))], "the name does not exist"),
        ([Record(name="owa", type="TXT", values=('"here"',))], "the name has no address"),
    ],
    ids=["an address missing", "kept too long", "no name", "no address"],
)
def test_a_wrong_answer_of_the_resolver_is_a_difference(
    deployment: Deployment, rows: list[Record], detail: str
) -> None:
    deployment.rows[0:1] = rows
    (line,) = describe_findings(deployment.verify())
    assert line.startswith(f"{OWA} at resolver 127.0.0.1:")
    assert line.endswith(f": {detail}")


def test_a_resolvers_ttl_may_have_counted_down(deployment: Deployment) -> None:
    deployment.rows[0] = Record(name="owa", values=("127.40.1.1", "127.40.1.2"), ttl=1)
    assert exit_code(deployment.verify().findings()) == 0


def test_a_resolver_that_refuses_means_could_not_look(deployment: Deployment) -> None:
    deployment.rows.clear()
    result = deployment.verify()
    assert len(describe_findings(result, State.UNSEEN)) == 2
    assert exit_code(result.findings()) == 2


@pytest.fixture
def outside(deployment: Deployment) -> Deployment:
    """A public zone beside the private one, with public addresses."""
    public = ("203.0.113.1", "203.0.113.2")
    deployment.values["dns"] = {"private": {"existingResourceGroup": "dns"}, "public": {"existingResourceGroup": "dns"}}
    for key, address in zip(deployment.outputs, public, strict=True):
        deployment.outputs[key]["publicAddress"] = address
        deployment.values["servers"][key]["externalAddress"] = address
    deployment.rows += [Record(name=name, values=public, private=False) for name in ("owa", "autodiscover")]
    return deployment


def test_name_servers_must_answer_with_the_public_addresses_and_the_exact_ttl(outside: Deployment) -> None:
    with AzureDns(lambda: outside.rows) as first, AzureDns(lambda: outside.rows) as second:
        result = outside.verify(name_servers=[first, second])
        assert exit_code(result.findings()) == 0
        # All are asked at the same time, so in any order.
        for server in (first, second):
            assert sorted(query.name for query in server.queries) == [AUTODISCOVER, OWA]
    stale = [*outside.rows[:2], Record(name="owa", values=("203.0.113.1",), private=False, ttl=60), outside.rows[3]]
    with AzureDns(lambda: outside.rows) as first, AzureDns(lambda: stale) as second:
        result = outside.verify(name_servers=[first, second])
        assert describe_findings(result) == [
            f"{OWA} at 127.0.0.1:{second.port}: answers 203.0.113.1 instead of 203.0.113.1, 203.0.113.2; "
            "TTL 60 s instead of 300 s"
        ]


def test_the_name_servers_of_a_zone_are_found_by_asking_the_resolver(outside: Deployment) -> None:
    with AzureDns(lambda: outside.rows) as resolver:
        found = asyncio.run(find_name_servers(DOMAIN, to_dns_server(resolver)))
    assert sorted(str(server) for server in found) == [
        "ns1-01.azure-dns.com",
        "ns2-01.azure-dns.net",
        "ns3-01.azure-dns.org",
        "ns4-01.azure-dns.info",
    ]


def test_if_the_private_zone_hides_the_public_one_its_name_servers_must_be_given(outside: Deployment) -> None:
    result = outside.verify()
    hidden = f"{DOMAIN} at its name servers: the resolver has no NS records for it; name the servers: --name-server"
    assert describe_findings(result, State.UNSEEN) == [hidden]
    assert exit_code(result.findings()) == 2


def test_an_answer_without_authority_is_a_difference(outside: Deployment) -> None:
    with AzureDns(lambda: outside.rows) as owner:
        owner.resolve = without_authority(owner.resolve)  # type: ignore[method-assign]
        result = outside.verify(name_servers=[owner])
    assert [line.rpartition(": ")[2] for line in describe_findings(result)] == [
        "it answers, but is not authoritative for the zone"
    ] * 2


def without_authority(resolve: Callable[..., object]) -> Callable[..., object]:
    def answer(*asked: object) -> object:
        reply = resolve(*asked)
        reply.header.aa = 0  # type: ignore[attr-defined]
        return reply

    return answer
