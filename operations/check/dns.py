"""Check DNS for the namespace: at the name servers of the public zone, and at the resolver that clients here use."""

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

# For one query with its retries. Finding the name servers takes two more queries.
SECONDS = 4
SYSTEM = "the system's resolver"


@dataclass(frozen=True, kw_only=True)
class Answer(Finding):
    """The answer of one source for one name. `expected` lists each correct set of addresses; `ttl` is in seconds."""

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
    """Query all names at all sources in parallel.

    `resolver` replaces the system's resolver, `name_servers` those in the zone's NS records.
    """
    public = expect_public(stack)
    ttl = stack.ttl_seconds
    source = f"resolver {resolver}" if resolver else SYSTEM
    resolved, owned = await asyncio.gather(
        asyncio.gather(
            *(ask_resolver(source, resolver, name, sets, ttl) for name, sets in expect_at_resolver(stack).items())
        ),
        asyncio.gather(*(ask_name_servers(zone, resolver, name_servers, public, ttl) for zone in zones_of(public))),
    )
    return [*(answer for answers in owned for answer in answers), *resolved]


def expect_public(stack: DeployedStack) -> Expected:
    """Each name of the public zone -> the public addresses of the servers in rotation."""
    rotating = tuple(sorted(row["publicAddress"] or "" for row in stack.servers.values() if row["inRotation"]))
    return {name: [rotating] for name in stack.public_names}


def expect_at_resolver(stack: DeployedStack) -> dict[str, list[tuple[str, ...]]]:
    """Each name -> the correct sets of addresses: a resolver may see the private zone or the public one."""
    found = {name: list(sets) for name, sets in expect_public(stack).items()}
    rotating = tuple(sorted(row["address"] for row in stack.servers.values() if row["inRotation"]))
    for name in stack.private_names:
        found.setdefault(name, []).insert(0, rotating)
    return found


def zones_of(names: Expected) -> list[str]:
    return sorted({name.partition(".")[2] for name in names})


async def ask_resolver(
    source: str, server: DnsServer | None, name: str, expected: Sequence[tuple[str, ...]], ttl: int
) -> Answer:
    """A resolver counts the TTL down, so the answer's is at most the record set's."""
    answer = await ask(Answer(source=source, name=name, expected=tuple(expected), state=State.UNSEEN), server)
    return judge_answer(
        answer, None if answer.ttl is None or answer.ttl <= ttl else f"TTL {answer.ttl} s, more than {ttl} s"
    )


async def ask_name_servers(
    zone: str, resolver: DnsServer | None, name_servers: Sequence[DnsServer], names: Expected, ttl: int
) -> list[Answer]:
    """Query each name of the zone at each of its name servers, which answer with the TTL of the record set."""
    found = list(name_servers)
    if not found:
        no_server = Answer(source="its name servers", name=zone, expected=(), state=State.UNSEEN)
        try:
            found = await find_name_servers(zone, resolver)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            # A private zone of the same name hides the public one, or the domain is not delegated yet.
            return [replace(no_server, detail="the resolver has no NS records for it; name the servers: --name-server")]
        except (dns.exception.DNSException, OSError) as error:
            return [replace(no_server, detail=explain_dns_error(error))]
    inside = {name: tuple(sets) for name, sets in names.items() if name.partition(".")[2] == zone}
    unseen = [
        (server, Answer(source=str(server), name=name, expected=sets, state=State.UNSEEN))
        for server in found
        for name, sets in inside.items()
    ]
    answers = await asyncio.gather(*(ask(answer, server, owner=True, known_by=resolver) for server, answer in unseen))
    return [
        judge_answer(answer, None if answer.ttl in (None, ttl) else f"TTL {answer.ttl} s instead of {ttl} s")
        for answer in answers
    ]


async def find_name_servers(zone: str, resolver: DnsServer | None) -> list[DnsServer]:
    answer = await (await open_resolver(resolver)).resolve(zone, "NS", search=False)
    return [DnsServer(str(record.target).rstrip("."), PORT) for record in answer]


async def ask(
    answer: Answer, server: DnsServer | None, *, owner: bool = False, known_by: DnsServer | None = None
) -> Answer:
    """Query A records. FINE: addresses and TTL are there to be judged; DIFFERENT or UNSEEN: `detail` has the reason."""
    try:
        resolver = await open_resolver(server, known_by)
        if owner:
            resolver.set_flags(0)  # without recursion, a server answers only for the zones that it owns
        reply = await resolver.resolve(answer.name, "A", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
        missing = "the name does not exist" if isinstance(error, dns.resolver.NXDOMAIN) else "the name has no address"
        return replace(answer, state=State.DIFFERENT, detail=missing)
    except (dns.exception.DNSException, OSError) as error:
        return replace(answer, detail=explain_dns_error(error))
    if owner and not reply.response.flags & dns.flags.AA:
        return replace(answer, state=State.DIFFERENT, detail="it answers, but is not authoritative for the zone")
    addresses = tuple(sorted(str(record) for record in reply))
    return replace(answer, state=State.FINE, addresses=addresses, ttl=reply.rrset.ttl if reply.rrset else None)


async def open_resolver(server: DnsServer | None, known_by: DnsServer | None = None) -> dns.asyncresolver.Resolver:
    """A resolver that asks this server only, or the system's servers.

    `known_by` looks the server's address up. Raises OSError if it has none.
    """
    resolver = dns.asyncresolver.Resolver(configure=server is None)
    resolver.lifetime = SECONDS
    if server:
        resolver.nameservers, resolver.port = [await find_address(server, known_by)], server.port
    return resolver


async def find_address(server: DnsServer, known_by: DnsServer | None) -> str:
    """Not with getaddrinfo: it ignores `known_by` and our timeout. Raises OSError."""
    if server.is_address:
        return server.host
    try:
        reply = await (await open_resolver(known_by)).resolve(server.host, "A", search=False)
    except dns.exception.DNSException as error:
        raise OSError(f"cannot find the address of {server.host}: {explain_dns_error(error)}") from error
    return str(reply[0])


def judge_answer(answer: Answer, wrong_ttl: str | None) -> Answer:
    if answer.state is not State.FINE:
        return answer
    problems = [wrong_ttl] if wrong_ttl else []
    if answer.addresses not in answer.expected:
        right = " or ".join(", ".join(addresses) or "nothing" for addresses in answer.expected)
        problems.insert(0, f"answers {', '.join(answer.addresses)} instead of {right}")
    return replace(answer, state=State.DIFFERENT if problems else State.FINE, detail="; ".join(problems))


def explain_dns_error(error: Exception) -> str:
    if isinstance(error, TimeoutError | dns.exception.Timeout):
        return f"no answer within {SECONDS} s"
    if isinstance(error, dns.resolver.NoNameservers):
        return "it refuses the query or fails"
    return str(error)
