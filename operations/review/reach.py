"""Who reaches a port through a security group: its rules by priority, then Azure's own, as Azure evaluates them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components import rules
from operations.review.clients import EVERYBODY, NETWORK, Clients, Rule, places, prefix, sources, values

# Clients connect from these ports.
FIRST_CLIENT_PORT, LAST_CLIENT_PORT = 49152, 65535


def inbound(name: str, priority: int, access: str, source: str, destination: str) -> Rule:
    return {
        **{"name": name, "priority": priority, "access": access, "direction": "Inbound", "protocol": "*"},
        **{"sourceAddressPrefix": source, "destinationAddressPrefix": destination},
        **{"sourcePortRange": "*", "destinationPortRange": "*"},
    }


# What Azure has at the end of every security group.
OWN = (
    inbound("AllowVnetInBound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
    inbound("AllowAzureLoadBalancerInBound", 65001, "Allow", "AzureLoadBalancer", "*"),
    inbound("DenyAllInBound", 65500, "Deny", "*", "*"),
)


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Clients that one rule let in, and that no rule of the group lets in any more; `sources` as the rule has them.

    `last`: Azure's own last rule would still let them in.
    """

    rule: str
    sources: tuple[str, ...]
    whole: bool
    last: bool


def lost(before: Sequence[Rule], after: Sequence[Rule], ports: tuple[int, int], own: Iterable[str]) -> list[Lost]:
    """`ports`: the servers' port before and after; `own`: prefixes that are known to be in the virtual network."""
    clients = Clients.of([*before, *after, *OWN], own)
    found: dict[str, Lost] = {}
    for destination in destinations([*before, *after]):
        then = verdicts(before, ports[0], destination, clients)
        now = verdicts(after, ports[1], destination, clients)
        for one in compared(then, now, clients):
            found.setdefault(one.rule, one)
    return list(found.values())


def compared(then: Sequence[Rule], now: Sequence[Rule], clients: Clients) -> Iterator[Lost]:
    """What only Azure's own rule lets in is left to it, and no more than that: no rule of the group says so."""
    gone: dict[int, tuple[Rule, list[int]]] = {}
    let_in: dict[int, int] = {}
    for index in clients.counted:
        rule = then[index]
        if not allows(rule):
            continue
        let_in[id(rule)] = let_in.get(id(rule), 0) + 1
        if not allows(now[index]) or (now[index] in OWN and rule not in OWN):
            gone.setdefault(id(rule), (rule, []))[1].append(index)
    for rule, indexes in gone.values():
        missed = set(indexes)
        yield Lost(
            rule=str(rule.get("name")),
            sources=tuple(source for source in sources(rule) if missed & set(clients.within(source))),
            whole=len(missed) == let_in[id(rule)],
            last=all(allows(now[index]) for index in indexes),
        )


def verdicts(group: Sequence[Rule], port: int, destination: str, clients: Clients) -> list[Rule]:
    """For each of the clients the rule that decides."""
    found: list[Rule | None] = [None] * clients.count
    for rule in sorted([*group, *OWN], key=lambda rule: float(rule.get("priority") or 0)):
        if not concerns(rule, port, destination):
            continue
        for source in sources(rule):
            for index in clients.within(source):
                found[index] = found[index] or rule
    return [rule or OWN[-1] for rule in found]


def concerns(rule: Rule, port: int, destination: str) -> bool:
    return (
        str(rule.get("direction", "")).lower() == "inbound"
        and rules.allows_tcp(rule)
        and any(rules.covers_port(ports, port) for ports in values(rule, "destinationPortRange"))
        and from_client_ports(rule)
        and any(is_there(given, destination) for given in places(rule, "destination"))
    )


def from_client_ports(rule: Rule) -> bool:
    """Whether a rule that allows holds for every port that clients connect from, and one that denies for any."""
    given = values(rule, "sourcePortRange") or ["*"]
    ends = [rules.covers_port(ports, port) for ports in given for port in (FIRST_CLIENT_PORT, LAST_CLIENT_PORT)]
    return any(ends) if not allows(rule) else any(all(ends[at : at + 2]) for at in range(0, len(ends), 2))


def allows(rule: Rule) -> bool:
    return str(rule.get("access", "")).lower() == "allow"


def is_wide(place: str) -> bool:
    return place.lower() in (EVERYBODY, NETWORK) or place.endswith("/0")


def destinations(group: Sequence[Rule]) -> list[str]:
    """One stands for every server; each that a rule names on its own may be a server, too."""
    named = {place for rule in group for place in places(rule, "destination") if not is_wide(place)}
    return ["*", *sorted(named)]


def is_there(given: str, destination: str) -> bool:
    if is_wide(given) or given == destination:
        return True
    wide, narrow = prefix(given), prefix(destination)
    return bool(wide and narrow and wide.version == narrow.version and narrow.subnet_of(wide))  # type: ignore[arg-type]
