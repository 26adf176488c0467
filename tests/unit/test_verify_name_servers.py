"""verify where the name servers of a public zone have to be found: through the resolver that was given, in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from dnslib.dns import DNSError  # type: ignore[import-untyped]

from operations import resolution
from operations.finding import State
from rehearsal.stand_ins.dns import AzureDns
from tests.unit.deployment import Deployment, Record, of
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, Farm

pytestmark = pytest.mark.unit

NAMED = ("ns1-01.azure-dns.com", "ns2-01.azure-dns.net", "ns3-01.azure-dns.org", "ns4-01.azure-dns.info")
PUBLIC = ("203.0.113.1", "203.0.113.2")
SECONDS = 0.5


@pytest.fixture
def outside(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A public zone alone; whoever is silent is given up soon."""
    monkeypatch.setattr(resolution, "SECONDS", SECONDS)
    deployment = Deployment(farm=farm)
    deployment.values["dns"] = {"public": {"existingResourceGroup": "dns"}}
    for key, address in zip(deployment.outputs, PUBLIC, strict=True):
        deployment.outputs[key]["publicAddress"] = address
        deployment.values["servers"][key]["externalAddress"] = address
    deployment.rows[:] = [Record(name=name, values=PUBLIC, private=False) for name in ("owa", "autodiscover")]
    return deployment


def addresses() -> Iterator[Record]:
    for host in NAMED:
        name, _, zone = host.partition(".")
        yield Record(name=name, zone=zone, values=("127.0.0.1",), private=False)


@contextmanager
def resolver(deployment: Deployment, knows: Callable[[str], bool]) -> Iterator[AzureDns]:
    """Answers for the zone and for the addresses of its name servers; silent for a name that it does not know."""
    rows = [*deployment.rows, *addresses()]
    with AzureDns(lambda: rows) as made:
        answer = made.resolve

        def resolve(request: object, handler: object) -> object:
            if not knows(str(request.q.qname).rstrip(".")):  # type: ignore[attr-defined]
                raise DNSError("silent")
            return answer(request, handler)

        made.resolve = resolve  # type: ignore[method-assign, assignment]
        yield made


def test_the_addresses_of_name_servers_are_asked_of_the_resolver_that_was_given(
    outside: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AzureDns(lambda: outside.rows) as owner, resolver(outside, lambda _name: True) as given:
        monkeypatch.setattr(resolution, "PORT", owner.port)
        answers = asyncio.run(resolution.look_at_all(outside.stack(), of(given)))
    assert {(row.source, row.state) for row in answers if row.source in NAMED} == {(host, State.FINE) for host in NAMED}
    assert {query.name for query in given.queries} == {DOMAIN, OWA, AUTODISCOVER, *NAMED}
    assert len(owner.queries) == len(NAMED) * 2


@pytest.mark.parametrize("known", [(), (DOMAIN,)], ids=["nothing", "the zone alone"])
def test_a_resolver_that_is_silent_is_given_up_in_time(outside: Deployment, known: tuple[str, ...]) -> None:
    with resolver(outside, lambda name: name in known) as silent:
        began = time.monotonic()
        answers = asyncio.run(resolution.look_at_all(outside.stack(), of(silent)))
        assert time.monotonic() - began < 3 * SECONDS + 2
    assert {row.state for row in answers} == {State.UNSEEN}
    told = {row.detail for row in answers}
    lost = {f"the address of {host} is not known: no answer within {SECONDS} s" for host in NAMED if known}
    assert told == {f"no answer within {SECONDS} s", *lost}
