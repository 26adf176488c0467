"""Rules that protect clients, over plain values: the stack file's check, the review and the policies all use them.

Each rule yields one sentence with its remedy for each breach. This file imports the standard library only, so that the
policy pack can be published with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

# A client that found an address dead asks DNS again after at most this time.
MAX_TTL_SECONDS = 300
MIN_ADDRESSES = 2
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
    if seconds > MAX_TTL_SECONDS:
        yield (
            f"a client keeps the address of a lost server for {seconds:g} s; at most {MAX_TTL_SECONDS} s is advised."
        )


def check_address_count(addresses: Collection[object]) -> Iterator[str]:
    """`addresses` of one name; duplicates count once."""
    if len(set(addresses)) < MIN_ADDRESSES:
        count = "only one" if addresses else "no"
        yield f"the name has {count} address, so clients lose the service with one server. Write at least two servers."


def check_same_addresses(names: Mapping[str, Collection[str]]) -> Iterator[str]:
    """`names` of one namespace -> addresses. A server that answers one of the names answers the others."""
    all_addresses = {address for addresses in names.values() for address in addresses}
    for name, addresses in sorted(names.items()):
        if missing := sorted(all_addresses - set(addresses)):
            yield f"{name} lacks {', '.join(missing)}, which other names of the namespace have. Give all the same."


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
        for port, service in MANAGEMENT_PORTS.items():
            if any(covers_port(str(port_range), port) for port_range in ports if port_range):
                name = rule.get("name", "a rule")
                yield f"{name} opens port {port} ({service}) to the Internet. Write your own addresses."


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
        yield f"{zone}: a production zone is not protected, so one command can delete it. Set protect: true."


def is_production(stack: str) -> bool:
    """Whether the stack's name is or contains, between hyphens, dots or underscores, prod or production."""
    return bool(re.search(r"(^|[-_./])prod(uction)?($|[-_.])", stack.lower()))
