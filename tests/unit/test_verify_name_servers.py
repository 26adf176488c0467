"""verify finds the name servers of a public zone through the given resolver, with a timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dns.asyncresolver
import pytest
from dnslib.dns import DNSError  # type: ignore[import-untyped]

from operations import dns_server
from operations.check import dns as checked
from operations.result import State, exit_code
from rehearsal.stand_ins.dns import AzureDns
from tests.unit.deployment import Deployment, Record, to_dns_server
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, Farm

pytestmark = pytest.mark.unit

NAMED = ("ns1-01.azure-dns.com", "ns2-01.azure-dns.net", "ns3-01.azure-dns.org", "ns4-01.azure-dns.info")
PUBLIC = ("203.0.113.1", "203.0.113.2")
SECONDS, PATIENCE = 0.4, 60


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries time out soon."""
    monkeypatch.setattr(checked, "SECONDS", SECONDS)


@pytest.fixture
def outside(farm: Farm) -> Deployment:
    """A stack with a public zone only."""
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


def test_the_given_resolver_finds_the_addresses_of_name_servers(
    outside: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AzureDns(lambda: outside.rows) as owner, resolver(outside, lambda _name: True) as given:
        for module in (dns_server, checked):
            monkeypatch.setattr(module, "PORT", owner.port)
        answers = asyncio.run(checked.check_dns(outside.stack(), to_dns_server(given)))
    assert {(row.source, row.state) for row in answers if row.source in NAMED} == {(host, State.FINE) for host in NAMED}
    assert {query.name for query in given.queries} == {DOMAIN, OWA, AUTODISCOVER, *NAMED}
    assert len(owner.queries) == len(NAMED) * 2


@pytest.mark.parametrize("knows", ["nothing", "the zone alone"])
@pytest.mark.usefixtures("impatient")
def test_a_silent_resolver_times_out(outside: Deployment, monkeypatch: pytest.MonkeyPatch, knows: str) -> None:
    """Only the query for the zone gets more time, so that a busy computer can answer it."""
    known = DOMAIN if knows == "the zone alone" else ""
    open_resolver = checked.open_resolver

    async def patient(*whom: Any) -> dns.asyncresolver.Resolver:
        made = await open_resolver(*whom)
        resolve = made.resolve

        async def ask(name: str, *what: Any, **how: Any) -> Any:
            if name == known:
                made.lifetime = PATIENCE
            return await resolve(name, *what, **how)

        monkeypatch.setattr(made, "resolve", ask)
        return made

    monkeypatch.setattr(checked, "open_resolver", patient)
    with resolver(outside, lambda name: name == known) as silent:
        answers = asyncio.run(asyncio.wait_for(checked.check_dns(outside.stack(), to_dns_server(silent)), PATIENCE))
    assert {row.state for row in answers} == {State.UNSEEN}
    details = {row.detail for row in answers}
    lost = {f"cannot find the address of {host}: no answer within {SECONDS} s" for host in NAMED if known}
    assert details == {f"no answer within {SECONDS} s", *lost}


def test_a_stopped_name_server_means_could_not_look(outside: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    with AzureDns(lambda: outside.rows) as gone:
        pass
    monkeypatch.setattr(checked, "SECONDS", SECONDS)
    names = checked.expect_public(outside.stack())
    answers = asyncio.run(checked.ask_name_servers(DOMAIN, None, [to_dns_server(gone)], names, 300))
    assert {(row.source, row.name, row.state) for row in answers} == {
        (str(to_dns_server(gone)), name, State.UNSEEN) for name in (OWA, AUTODISCOVER)
    }
    assert exit_code(answers) == 2
