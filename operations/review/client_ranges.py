"""Clients as security rules distinguish them: ranges of addresses, and service tags.

A private address counts as VirtualNetwork: it reaches a server only from there or from a connected network. Every other
address counts as Internet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

Rule = Mapping[str, Any]
Prefix = IPv4Network | IPv6Network

NETWORK, INTERNET, BALANCER, ANY = "virtualnetwork", "internet", "azureloadbalancer", "*"
PRIVATE: tuple[Prefix, ...] = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10"),
    )
)
# As numbers, IPv6 addresses follow the IPv4 ones.
FIRST_IPV6 = 2**32


def read_sources(rule: Rule) -> list[str]:
    return read_places(rule, "source")


def read_places(rule: Rule, side: str) -> list[str]:
    """The prefixes, service tags and ids of application security groups of one side (source or destination)."""
    groups = [group.get("id") for group in rule.get(f"{side}ApplicationSecurityGroups") or []]
    return [
        *read_rule_values(rule, f"{side}AddressPrefix", f"{side}AddressPrefixes"),
        *(str(id) for id in groups if id),
    ]


def read_rule_values(rule: Rule, one: str, several: str = "") -> list[str]:
    """Azure takes one value or a list, under two names."""
    return [str(value) for value in (rule.get(one), *(rule.get(several or f"{one}s") or [])) if value]


def parse_prefix(text: str) -> Prefix | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class ClientRanges:
    """A client is an index: first the ranges between `bounds`, then each of `tags`.

    `network`: the prefixes of VirtualNetwork; `named`: those in rules.
    """

    bounds: Sequence[int]
    network: Sequence[Prefix]
    named: Sequence[Prefix]
    tags: Sequence[str]
    _known: dict[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def build(cls, group: Sequence[Rule], network: Iterable[str]) -> ClientRanges:
        texts = {source for rule in group for source in read_sources(rule)}
        named = [found for text in texts if (found := parse_prefix(text))]
        inside = [*PRIVATE, *(found for text in network if (found := parse_prefix(text)))]
        ends = {0, FIRST_IPV6, FIRST_IPV6 + 2**128}
        for one in (*named, *inside):
            ends.update(to_range(one))
        words = {text.lower() for text in texts if parse_prefix(text) is None}
        tags = sorted(words - {NETWORK, INTERNET, ANY, "any"})
        return cls(bounds=sorted(ends), network=inside, named=[one for one in named if one.prefixlen], tags=tags)

    @property
    def range_count(self) -> int:
        return len(self.bounds) - 1

    @property
    def count(self) -> int:
        return self.range_count + len(self.tags)

    @cached_property
    def compared(self) -> Sequence[int]:
        """All clients except Azure's load balancer and IPv6 ranges that no rule names: the servers have IPv4 only."""
        behind = bisect_left(self.bounds, FIRST_IPV6)
        six = {index for one in self.named if one.version == 6 for index in self._inside(one)}
        tags = [self.range_count + at for at, tag in enumerate(self.tags) if tag != BALANCER]
        return [*range(behind), *sorted(six), *tags]

    def find(self, source: str) -> Sequence[int]:
        """The clients that a source of a rule means."""
        if source not in self._known:
            self._known[source] = self._search(source.lower())
        return self._known[source]

    def _search(self, source: str) -> Sequence[int]:
        tags = range(self.range_count, self.count)
        one = parse_prefix(source)
        if source in (ANY, "any"):
            return range(self.count)
        if source == NETWORK:
            return [*sorted(self._network_clients), *(at for at in tags if self._tag(at).startswith("/"))]
        if source == INTERNET:
            outside = [index for index in range(self.range_count) if index not in self._network_clients]
            return [*outside, *(at for at in tags if self._is_outside(at))]
        if one is None:
            return [self.range_count + self.tags.index(source)]
        # The clients of a tag have IPv4 addresses.
        return [*self._inside(one), *(tags if one.version == 4 and not one.prefixlen else ())]

    def _tag(self, at: int) -> str:
        return self.tags[at - self.range_count]

    def _is_outside(self, at: int) -> bool:
        """Azure's services have public addresses; an id names an application security group in the virtual network."""
        return self._tag(at) != BALANCER and not self._tag(at).startswith("/")

    @cached_property
    def _network_clients(self) -> set[int]:
        return {index for one in self.network for index in self._inside(one)}

    def _inside(self, one: Prefix) -> range:
        first, end = to_range(one)
        return range(bisect_left(self.bounds, first), bisect_left(self.bounds, end))


def to_range(one: Prefix) -> tuple[int, int]:
    base = 0 if one.version == 4 else FIRST_IPV6
    return base + int(one.network_address), base + int(one.broadcast_address) + 1
