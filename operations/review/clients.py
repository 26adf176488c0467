"""Clients of a server as security rules tell them apart: by intervals of addresses and by service tags.

A private address counts as in VirtualNetwork: it reaches a server only from there or from a network that is connected
to it. Every other address counts as Internet.
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


def sources(rule: Rule) -> list[str]:
    return places(rule, "source")


def places(rule: Rule, side: str) -> list[str]:
    """Prefixes, service tags and ids of application security groups of one side."""
    groups = [group.get("id") for group in rule.get(f"{side}ApplicationSecurityGroups") or []]
    return [*values(rule, f"{side}AddressPrefix", f"{side}AddressPrefixes"), *(str(id) for id in groups if id)]


def values(rule: Rule, one: str, several: str = "") -> list[str]:
    """A rule has either a value or a list of them."""
    return [str(value) for value in (rule.get(one), *(rule.get(several or f"{one}s") or [])) if value]


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
