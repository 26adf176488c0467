"""Who reaches a port through a security group: its rules by priority, then Azure's own, as Azure evaluates them.

Clients are told apart by intervals of addresses and by service tags. A private address counts as in VirtualNetwork: it
reaches a server only from there or from a network that is connected to it. Every other address counts as Internet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from components import rules

Rule = Mapping[str, Any]
Prefix = IPv4Network | IPv6Network

NETWORK, INTERNET, BALANCER, EVERYBODY = "virtualnetwork", "internet", "azureloadbalancer", "*"
PRIVATE: tuple[Prefix, ...] = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10"),
    )
)
# IPv6 addresses begin behind the IPv4 ones.
BEHIND = 2**32
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
        and rules.tcp(rule)
        and any(rules.covers(ports, port) for ports in values(rule, "destinationPortRange"))
        and from_client_ports(rule)
        and any(is_there(given, destination) for given in places(rule, "destination"))
    )


def from_client_ports(rule: Rule) -> bool:
    """Whether a rule that allows holds for every port that clients connect from, and one that denies for any."""
    given = values(rule, "sourcePortRange") or ["*"]
    ends = [rules.covers(ports, port) for ports in given for port in (FIRST_CLIENT_PORT, LAST_CLIENT_PORT)]
    return any(ends) if not allows(rule) else any(all(ends[at : at + 2]) for at in range(0, len(ends), 2))


def allows(rule: Rule) -> bool:
    return str(rule.get("access", "")).lower() == "allow"


def sources(rule: Rule) -> list[str]:
    return places(rule, "source")


def places(rule: Rule, side: str) -> list[str]:
    """Prefixes, service tags and ids of application security groups of one side."""
    groups = [group.get("id") for group in rule.get(f"{side}ApplicationSecurityGroups") or []]
    return [*values(rule, f"{side}AddressPrefix", f"{side}AddressPrefixes"), *(str(id) for id in groups if id)]


def values(rule: Rule, one: str, several: str = "") -> list[str]:
    """A rule has either a value or a list of them."""
    return [str(value) for value in (rule.get(one), *(rule.get(several or f"{one}s") or [])) if value]


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


def prefix(text: str) -> Prefix | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Intervals between `bounds`, then one client for each of `tags`; a client is told by its index."""

    bounds: Sequence[int]
    own: Sequence[Prefix]
    # IPv6 counts where a rule names it: the servers have IPv4 addresses.
    named: Sequence[Prefix]
    tags: Sequence[str]
    _known: dict[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, group: Sequence[Rule], own: Iterable[str]) -> Clients:
        texts = {source for rule in group for source in sources(rule)}
        named = [found for text in texts if (found := prefix(text))]
        mine = [*PRIVATE, *(found for text in own if (found := prefix(text)))]
        ends = {0, BEHIND, BEHIND + 2**128}
        for one in (*named, *mine):
            ends.update(span(one))
        words = {text.lower() for text in texts if prefix(text) is None}
        tags = sorted(words - {NETWORK, INTERNET, EVERYBODY, "any"})
        return cls(bounds=sorted(ends), own=mine, named=[one for one in named if one.prefixlen], tags=tags)

    @property
    def intervals(self) -> int:
        return len(self.bounds) - 1

    @property
    def count(self) -> int:
        return self.intervals + len(self.tags)

    @cached_property
    def counted(self) -> Sequence[int]:
        """But Azure's own load balancer, which is no client."""
        behind = bisect_left(self.bounds, BEHIND)
        six = {index for one in self.named if one.version == 6 for index in self._inside(one)}
        tags = [self.intervals + at for at, tag in enumerate(self.tags) if tag != BALANCER]
        return [*range(behind), *sorted(six), *tags]

    def within(self, source: str) -> Sequence[int]:
        """The indexes of the clients that a source of a rule stands for."""
        if source not in self._known:
            self._known[source] = self._found(source.lower())
        return self._known[source]

    def _found(self, source: str) -> Sequence[int]:
        tags = range(self.intervals, self.count)
        one = prefix(source)
        if source in (EVERYBODY, "any"):
            return range(self.count)
        if source == NETWORK:
            return [*sorted(self._private), *(at for at in tags if self._tag(at).startswith("/"))]
        if source == INTERNET:
            outside = [index for index in range(self.intervals) if index not in self._private]
            return [*outside, *(at for at in tags if self._is_outside(at))]
        if one is None:
            return [self.intervals + self.tags.index(source)]
        # Whoever a tag stands for has an IPv4 address.
        return [*self._inside(one), *(tags if one.version == 4 and not one.prefixlen else ())]

    def _tag(self, at: int) -> str:
        return self.tags[at - self.intervals]

    def _is_outside(self, at: int) -> bool:
        """The addresses of Azure's services are public; ids are of groups in the virtual network."""
        return self._tag(at) != BALANCER and not self._tag(at).startswith("/")

    @cached_property
    def _private(self) -> set[int]:
        return {index for one in self.own for index in self._inside(one)}

    def _inside(self, one: Prefix) -> range:
        first, end = span(one)
        return range(bisect_left(self.bounds, first), bisect_left(self.bounds, end))


def span(one: Prefix) -> tuple[int, int]:
    base = 0 if one.version == 4 else BEHIND
    return base + int(one.network_address), base + int(one.broadcast_address) + 1
