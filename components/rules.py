"""Rules that protect clients, over plain values: the stack file's check, the review and the policies all use them.

Each rule yields one sentence with its remedy for each breach. This file imports the standard library only, so that the
policy pack can be published with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

# A client that found an address dead asks DNS again after at most this time.
MOST_TTL_SECONDS = 300
LEAST_ADDRESSES = 2
MANAGEMENT_PORTS = {
    22: "SSH",
    135: "RPC",
    139: "NetBIOS",
    445: "SMB",
    3389: "Remote Desktop",
    5985: "WinRM",
    5986: "WinRM over TLS",
}
HTTPS_URL = r"https://[^\s/?#]+(/\S*)?"
# How a security rule names the whole Internet, beside a prefix of length 0.
INTERNET = frozenset({"*", "internet", "any"})


def check_ttl(seconds: float) -> Iterator[str]:
    if seconds > MOST_TTL_SECONDS:
        yield (
            f"a client keeps the address of a lost server for {seconds:g} s; at most {MOST_TTL_SECONDS} s is advised."
        )


def check_address_count(addresses: Collection[object]) -> Iterator[str]:
    """`addresses` of one name; duplicates count once."""
    if len(set(addresses)) < LEAST_ADDRESSES:
        found = "no address is" if not addresses else "one address is"
        yield f"{found} behind the name, so the loss of one server is the loss of all. Name at least two servers."


def check_same_addresses(names: Mapping[str, Collection[str]]) -> Iterator[str]:
    """`names` of one namespace -> addresses. A server that answers one of the names answers the others."""
    every = {address for addresses in names.values() for address in addresses}
    for name, addresses in sorted(names.items()):
        if missing := sorted(every - set(addresses)):
            yield f"{name} lacks {', '.join(missing)}, which other names of the namespace have. Give all the same ones."


def check_https_url(url: str) -> Iterator[str]:
    if not re.fullmatch(HTTPS_URL, url):
        yield (
            f"{url} is not an absolute URL that begins with https://. "
            "Clients would send passwords in the clear, or fail."
        )


def is_open_to_internet(source: str) -> bool:
    return source.lower() in INTERNET or source.endswith("/0")


def find_open_management_ports(security_rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """`security_rules`: the rules of one security group, with the keys of Azure (sourceAddressPrefix …).

    Each rule is checked alone: a rule with a lower priority number that denies the same traffic changes nothing.
    """
    for rule in security_rules:
        if str(rule.get("direction", "")).lower() != "inbound" or str(rule.get("access", "")).lower() != "allow":
            continue
        sources = [rule.get("sourceAddressPrefix"), *(rule.get("sourceAddressPrefixes") or [])]
        if not any(is_open_to_internet(str(source)) for source in sources if source) or not allows_tcp(rule):
            continue
        ports = [rule.get("destinationPortRange"), *(rule.get("destinationPortRanges") or [])]
        for port, what in MANAGEMENT_PORTS.items():
            if any(covers_port(str(given), port) for given in ports if given):
                name = rule.get("name", "a rule")
                yield f"{name} opens port {port} ({what}) to the Internet. Name your own addresses."


def allows_tcp(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("protocol", "*")).lower() in ("*", "tcp")


def covers_port(ports: str, port: int) -> bool:
    """Whether a port, a range such as 20-30, or * holds the port."""
    first, _, last = ports.partition("-")
    if ports == "*":
        return True
    return first.isdigit() and (last or first).isdigit() and int(first) <= port <= int(last or first)


def check_zone_protection(zone: str, *, protected: bool, production: bool) -> Iterator[str]:
    if production and not protected:
        yield f"{zone}: a zone of production is not protected, and one command deletes it. Set protect: true."


def is_production(stack: str) -> bool:
    """Whether the stack's name is or contains, between hyphens, dots or underscores, prod or production."""
    return bool(re.search(r"(^|[-_./])prod(uction)?($|[-_.])", stack.lower()))
