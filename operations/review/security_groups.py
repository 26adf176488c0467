"""Clients that could no longer reach the servers after a change of security groups or of their links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.review.client_ranges import Rule
from operations.review.markdown import code, join_codes
from operations.review.plan import Plan
from operations.review.preview import AFTER_THE_RUN, PreviewStep, is_unknown, parse_object
from operations.review.resources import COMMAND, INTERFACE, SECURITY_GROUP, SUBNET, VIRTUAL_NETWORK, server_key
from operations.review.security_rules import AZURE_RULES, LostAccess, find_lost_access
from operations.review.setting_changes import read_document
from stacks.arguments import PROJECT

RULES, LINK = "securityRules", "networkSecurityGroup"
HTTPS_PORT = 443
# Without a security group Azure lets the virtual network in, and blocks the Internet from public addresses.
NO_GROUP: Sequence[Rule] = ({**AZURE_RULES[0], "name": "no security group", "priority": 100},)
INTERNET_BLOCKED = "Azure blocks all clients from the Internet"


def find_shut_out(plan: Plan) -> Iterator[tuple[str, str]]:
    """The group or server, and which clients lose access to what, in Markdown."""
    for step in changed_groups(plan):
        if step.operation == "update":
            for reason in compare_rules(plan, read_rules(step.before), read_rules(step.after)):
                yield step.name, reason
        elif step.operation == "replace":
            yield step.name, f"It is deleted and created again. In between, {INTERNET_BLOCKED}."
        elif step.operation == "delete" and not changed_links(plan):
            yield step.name, f"It is deleted. Without it, {INTERNET_BLOCKED}."
    for step in changed_links(plan):
        if step.operation in ("update", "replace"):
            for reason in compare_links(plan, step):
                yield server_key(step) or step.name, reason


def find_unknown_groups(plan: Plan) -> Iterator[PreviewStep]:
    """Groups whose new rules are not in the preview."""
    for step in changed_groups(plan):
        if step.operation == "update" and read_rules(step.after) is None:
            yield step


def compare_links(plan: Plan, step: PreviewStep) -> Iterator[str]:
    """Who loses access because a network interface or a subnet gets another security group, or none."""
    old, new = (half.get(LINK) for half in (step.before, step.after))
    if not new:
        yield f"Its security group is removed. Without one, {INTERNET_BLOCKED}."
        return
    target = find_linked_group(plan, step)
    if target is not None and target.before:
        # A change of this group has its own reason.
        return
    before = read_removed_rules(plan) if old else NO_GROUP
    after = read_rules(target.after) if target else None
    if before is None or after is None:
        yield f"It gets another security group ({code(read_link_name(new))}), whose rules are not in this preview."
        return
    yield from compare_rules(plan, before, after)


def compare_rules(plan: Plan, before: Sequence[Rule] | None, after: Sequence[Rule] | None) -> Iterator[str]:
    if before is None or after is None:
        return
    ports = read_https_ports(plan)
    for lost in find_lost_access(before, after, ports, read_network_prefixes(plan)):
        yield describe_lost_access(lost, ports)


def describe_lost_access(lost: LostAccess, ports: tuple[int, int]) -> str:
    clients = f"{'' if lost.all_clients else 'a part of '}{join_codes(lost.sources)}"
    azure = ": only Azure's default rules would." if lost.azure_allows else "."
    return (
        f"Port {ports[0]} is open to {clients} (rule {code(lost.rule)}). "
        f"After the run, no rule of the group would open port {ports[1]} to them{azure}"
    )


def changed_groups(plan: Plan) -> list[PreviewStep]:
    return [step for step in plan.preview.changes if step.type == SECURITY_GROUP]


def changed_links(plan: Plan) -> list[PreviewStep]:
    """Existing network interfaces and subnets whose security group changes, deleted ones among them."""
    return [
        step
        for step in plan.preview.changes
        if step.type in (INTERFACE, SUBNET)
        and step.before.get(LINK) != step.after.get(LINK)
        and step.operation != "create"
    ]


def find_linked_group(plan: Plan, step: PreviewStep) -> PreviewStep | None:
    """The group in this preview that the link leads to. Events have no dependencies: there it must be the only one."""
    needed = step.needs.get(LINK)
    existing = [group for group in changed_groups(plan) if group.after]
    if needed is not None:
        return next((group for group in existing if group.urn in needed), None)
    return existing[0] if len(existing) == 1 and is_unknown(step.after.get(LINK)) else None


def read_removed_rules(plan: Plan) -> Sequence[Rule] | None:
    """The rules of the group that the link led to, if the preview has just one old group."""
    old = [group for group in changed_groups(plan) if group.before]
    return read_rules(old[0].before) if len(old) == 1 else None


def read_rules(inputs: Mapping[str, Any]) -> Sequence[Rule] | None:
    """None if the preview does not have them all."""
    given = inputs.get(RULES) or []
    if not isinstance(given, list) or is_unknown(given) or not all(isinstance(rule, Mapping) for rule in given):
        return None
    numbered = all(isinstance(rule.get("priority", 0), int | float) for rule in given)
    return given if numbered else None


def read_https_ports(plan: Plan) -> tuple[int, int]:
    """The servers' port before and after: a rotation command that changes has the old one; else it stays the same."""
    after = plan.preview.config.get(f"{PROJECT}:httpsPort", "")
    now = int(after) if str(after).isdigit() else HTTPS_PORT
    checks = [read_document(step.before).get("health") for step in plan.preview.changes if step.type == COMMAND]
    known = [check["port"] for check in checks if isinstance(check, Mapping) and isinstance(check.get("port"), int)]
    return (known[0] if known else now, now)


def read_network_prefixes(plan: Plan) -> Iterator[str]:
    """Prefixes of the virtual network, from the stack file and the preview."""
    network = parse_object(plan.preview.config.get(f"{PROJECT}:network"))
    yield from (str(network[key]) for key in ("addressSpace", "subnetPrefix") if network.get(key))
    for step in plan.preview.changes:
        for half in (step.before, step.after) if step.type in (SUBNET, VIRTUAL_NETWORK) else ():
            space = half.get("addressSpace")
            given = [half.get("addressPrefix"), *keep_list(half.get("addressPrefixes"))]
            given += keep_list(space.get("addressPrefixes")) if isinstance(space, Mapping) else []
            yield from (str(prefix) for prefix in given if prefix and not is_unknown(prefix))


def keep_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def read_link_name(link: object) -> str:
    id = link.get("id") if isinstance(link, Mapping) else link
    return AFTER_THE_RUN if is_unknown(id) else str(id).rpartition("/")[2]
