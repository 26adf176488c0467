"""What DNS answers for the namespace: the zone's own name servers, and the resolver that this computer uses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.resolver

from operations.dns_server import PORT, DnsServer
from operations.result import Finding, State
from operations.stack import DeployedStack

# Of one question, repeats included; three follow each other where name servers have to be found.
SECONDS = 4
SYSTEM = "the system's resolver"


@dataclass(frozen=True, kw_only=True)
class Answer(Finding):
    """What one source answers for one name; `expected` has each set of addresses that would be right."""

    source: str
    name: str
    expected: tuple[tuple[str, ...], ...]
    addresses: tuple[str, ...] = ()
    ttl: int | None = None

    @property
    def subject(self) -> str:
        return f"{self.name} at {self.source}"


Expected = Mapping[str, Sequence[tuple[str, ...]]]


async def check_dns(
    stack: DeployedStack, resolver: DnsServer | None = None, name_servers: Sequence[DnsServer] = ()
) -> list[Answer]:
    """Every name at every source at the same time; `resolver` and `name_servers` take the place of what is found."""
    public = outside(stack)
    ttl = stack.ttl_seconds
    source = f"resolver {resolver}" if resolver else SYSTEM
    resolved, told = await asyncio.gather(
        asyncio.gather(*(ask_resolver(source, resolver, name, sets, ttl) for name, sets in everywhere(stack).items())),
        asyncio.gather(*(ask_owners(zone, resolver, name_servers, public, ttl) for zone in zones(public))),
    )
    return [*(answer for answers in told for answer in answers), *resolved]


def outside(stack: DeployedStack) -> Expected:
    """The names of the public zone -> the public addresses of the servers in rotation."""
    rotating = tuple(sorted(row["publicAddress"] or "" for row in stack.servers.values() if row["inRotation"]))
    return {name: [rotating] for name in stack.public_names}


def everywhere(stack: DeployedStack) -> dict[str, list[tuple[str, ...]]]:
    """Each name -> what a resolver may answer: it sees the private zone, the public one, or one of the two."""
    found = {name: list(sets) for name, sets in outside(stack).items()}
    rotating = tuple(sorted(row["address"] for row in stack.servers.values() if row["inRotation"]))
    for name in stack.private_names:
        found.setdefault(name, []).insert(0, rotating)
    return found


def zones(names: Expected) -> list[str]:
    return sorted({name.partition(".")[2] for name in names})


async def ask_resolver(
    source: str, server: DnsServer | None, name: str, expected: Sequence[tuple[str, ...]], ttl: int
) -> Answer:
    """A resolver's TTL counts down, so it is at most the record set's."""
    answer = await ask(Answer(source=source, name=name, expected=tuple(expected), state=State.UNSEEN), server)
    return judged(answer, None if answer.ttl is None or answer.ttl <= ttl else f"TTL {answer.ttl} s, more than {ttl} s")


async def ask_owners(
    zone: str, resolver: DnsServer | None, name_servers: Sequence[DnsServer], names: Expected, ttl: int
) -> list[Answer]:
    """Each name of the zone at each of its name servers, which answer with the TTL as it was set."""
    found = list(name_servers)
    if not found:
        nobody = Answer(source="its name servers", name=zone, expected=(), state=State.UNSEEN)
        try:
            found = await name_servers_of(zone, resolver)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            # Where the private zone of the same name is in front of it, or the domain is not delegated yet.
            return [replace(nobody, detail="the resolver names none of them; give them as --name-server")]
        except (dns.exception.DNSException, OSError) as error:
            return [replace(nobody, detail=reason(error))]
    inside = {name: tuple(sets) for name, sets in names.items() if name.partition(".")[2] == zone}
    unseen = [
        (server, Answer(source=str(server), name=name, expected=sets, state=State.UNSEEN))
        for server in found
        for name, sets in inside.items()
    ]
    answers = await asyncio.gather(*(ask(answer, server, owner=True, known_by=resolver) for server, answer in unseen))
    return [
        judged(answer, None if answer.ttl in (None, ttl) else f"TTL {answer.ttl} s instead of {ttl} s")
        for answer in answers
    ]


async def name_servers_of(zone: str, resolver: DnsServer | None) -> list[DnsServer]:
    answer = await (await asker(resolver)).resolve(zone, "NS", search=False)
    return [DnsServer(str(record.target).rstrip("."), PORT) for record in answer]


async def ask(
    answer: Answer, server: DnsServer | None, *, owner: bool = False, known_by: DnsServer | None = None
) -> Answer:
    """The answer with what was told, to be judged; or DIFFERENT or UNSEEN with the reason."""
    try:
        resolver = await asker(server, known_by)
        if owner:
            resolver.set_flags(0)  # not to be resolved for us: what it does not own it must not tell
        told = await resolver.resolve(answer.name, "A", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        missing = "the name does not exist" if isinstance(error, dns.resolver.NXDOMAIN) else "the name has no address"
        return replace(answer, state=State.DIFFERENT, detail=missing)
    except (dns.exception.DNSException, OSError) as error:
        return replace(answer, detail=reason(error))
    if owner and not told.response.flags & dns.flags.AA:
        return replace(answer, state=State.DIFFERENT, detail="it answers, but does not own the zone")
    addresses = tuple(sorted(str(record) for record in told))
    return replace(answer, state=State.FINE, addresses=addresses, ttl=told.rrset.ttl if told.rrset else None)


async def asker(server: DnsServer | None, known_by: DnsServer | None = None) -> dns.asyncresolver.Resolver:
    """Asks this server alone, else the system's. Raises OSError where `known_by` does not know its address."""
    resolver = dns.asyncresolver.Resolver(configure=server is None)
    resolver.lifetime = SECONDS
    if server:
        resolver.nameservers, resolver.port = [await address_of(server, known_by)], server.port
    return resolver


async def address_of(server: DnsServer, known_by: DnsServer | None) -> str:
    """Not by the system's getaddrinfo: that asks whom it likes, for as long as it likes."""
    if server.is_address:
        return server.host
    try:
        told = await (await asker(known_by)).resolve(server.host, "A", search=False)
    except dns.exception.DNSException as error:
        raise OSError(f"the address of {server.host} is not known: {reason(error)}") from error
    return str(told[0])


def judged(answer: Answer, wrong_ttl: str | None) -> Answer:
    if answer.state is not State.FINE:
        return answer
    problems = [wrong_ttl] if wrong_ttl else []
    if answer.addresses not in answer.expected:
        right = " or ".join(", ".join(addresses) or "nothing" for addresses in answer.expected)
        problems.insert(0, f"answers {', '.join(answer.addresses)} instead of {right}")
    return replace(answer, state=State.DIFFERENT if problems else State.FINE, detail="; ".join(problems))


def reason(error: Exception) -> str:
    if isinstance(error, TimeoutError | dns.exception.Timeout):
        return f"no answer within {SECONDS} s"
    if isinstance(error, dns.resolver.NoNameservers):
        return "it refuses the question or fails"
    return str(error)
