"""Evaluate security rules as Azure does (by priority, Azure's default rules last): which clients reach a port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components import rules
from operations.review.client_ranges import (
    ANY,
    NETWORK,
    ClientRanges,
    Rule,
    parse_prefix,
    read_places,
    read_rule_values,
    read_sources,
)

# The dynamic ports from which clients connect.
FIRST_CLIENT_PORT, LAST_CLIENT_PORT = 49152, 65535


def build_azure_rule(name: str, priority: int, access: str, source: str, destination: str) -> Rule:
    return {
        **{"name": name, "priority": priority, "access": access, "direction": "Inbound", "protocol": "*"},
        **{"sourceAddressPrefix": source, "destinationAddressPrefix": destination},
        **{"sourcePortRange": "*", "destinationPortRange": "*"},
    }


# The default rules at the end of every security group.
AZURE_RULES = (
    build_azure_rule("AllowVnetInBound", 65000, "Allow", "VirtualNetwork", "VirtualNetwork"),
    build_azure_rule("AllowAzureLoadBalancerInBound", 65001, "Allow", "AzureLoadBalancer", "*"),
    build_azure_rule("DenyAllInBound", 65500, "Deny", "*", "*"),
)


@dataclass(frozen=True, kw_only=True)
class LostAccess:
    """Clients that one rule let in and that no rule of the group lets in after the run.

    `sources`: as the rule has them; `all_clients`: whether the rule's other clients lose access, too.
    `azure_allows`: whether Azure's default rules would still let them in.
    """

    rule: str
    sources: tuple[str, ...]
    all_clients: bool
    azure_allows: bool


def find_lost_access(
    before: Sequence[Rule], after: Sequence[Rule], ports: tuple[int, int], network: Iterable[str]
) -> list[LostAccess]:
    """`ports`: the servers' port before and after; `network`: known prefixes of the virtual network."""
    clients = ClientRanges.build([*before, *after, *AZURE_RULES], network)
    found: dict[str, LostAccess] = {}
    for destination in list_destinations([*before, *after]):
        old = decide_all(before, ports[0], destination, clients)
        new = decide_all(after, ports[1], destination, clients)
        for lost in compare_decisions(old, new, clients):
            found.setdefault(lost.rule, lost)
    return list(found.values())


def compare_decisions(old: Sequence[Rule], new: Sequence[Rule], clients: ClientRanges) -> Iterator[LostAccess]:
    """`old` and `new`: for each client the rule that decides.

    Access is lost, too, if only a default rule of Azure allows it after the run and a rule of the group did before.
    """
    gone: dict[int, tuple[Rule, list[int]]] = {}
    let_in: dict[int, int] = {}
    for index in clients.compared:
        rule = old[index]
        if not allows(rule):
            continue
        let_in[id(rule)] = let_in.get(id(rule), 0) + 1
        if not allows(new[index]) or (new[index] in AZURE_RULES and rule not in AZURE_RULES):
            gone.setdefault(id(rule), (rule, []))[1].append(index)
    for rule, indexes in gone.values():
        missed = set(indexes)
        yield LostAccess(
            rule=str(rule.get("name")),
            sources=tuple(source for source in read_sources(rule) if missed & set(clients.find(source))),
            all_clients=len(missed) == let_in[id(rule)],
            azure_allows=all(allows(new[index]) for index in indexes),
        )


def decide_all(group: Sequence[Rule], port: int, destination: str, clients: ClientRanges) -> list[Rule]:
    """For each client the rule that decides."""
    found: list[Rule | None] = [None] * clients.count
    for rule in sorted([*group, *AZURE_RULES], key=lambda rule: float(rule.get("priority") or 0)):
        if not applies(rule, port, destination):
            continue
        for source in read_sources(rule):
            for index in clients.find(source):
                found[index] = found[index] or rule
    return [rule or AZURE_RULES[-1] for rule in found]


def applies(rule: Rule, port: int, destination: str) -> bool:
    return (
        str(rule.get("direction", "")).lower() == "inbound"
        and rules.allows_tcp(rule)
        and any(rules.covers_port(ports, port) for ports in read_rule_values(rule, "destinationPortRange"))
        and covers_client_ports(rule)
        and any(covers_destination(given, destination) for given in read_places(rule, "destination"))
    )


def covers_client_ports(rule: Rule) -> bool:
    """Whether the source ports of a rule that allows have all dynamic ports, or those of one that denies have any."""
    given = read_rule_values(rule, "sourcePortRange") or ["*"]
    ends = [rules.covers_port(ports, port) for ports in given for port in (FIRST_CLIENT_PORT, LAST_CLIENT_PORT)]
    return any(ends) if not allows(rule) else any(all(ends[at : at + 2]) for at in range(0, len(ends), 2))


def allows(rule: Rule) -> bool:
    return str(rule.get("access", "")).lower() == "allow"


def is_wide(place: str) -> bool:
    return place.lower() in (ANY, NETWORK) or place.endswith("/0")


def list_destinations(group: Sequence[Rule]) -> list[str]:
    """`*` for every server, and each address that a rule names: it may be a server's."""
    named = {place for rule in group for place in read_places(rule, "destination") if not is_wide(place)}
    return ["*", *sorted(named)]


def covers_destination(given: str, destination: str) -> bool:
    if is_wide(given) or given == destination:
        return True
    wide, narrow = parse_prefix(given), parse_prefix(destination)
    return bool(wide and narrow and wide.version == narrow.version and narrow.subnet_of(wide))  # type: ignore[arg-type]
