"""Clients that a change of security groups, or of their links to network interfaces, would shut out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from operations.review.clients import Rule
from operations.review.markdown import code, codes
from operations.review.plan import COMMAND, INTERFACE, Plan, server_of
from operations.review.preview import PreviewStep, is_unknown
from operations.review.reach import OWN, Lost, lost
from operations.review.setting_changes import document
from operations.review.values import parsed
from stacks.arguments import PROJECT

GROUP, RULES, LINK = "azure-native:network:NetworkSecurityGroup", "securityRules", "networkSecurityGroup"
SUBNET, NETWORK = "azure-native:network:Subnet", "azure-native:network:VirtualNetwork"
LINKED = (INTERFACE, SUBNET)
HTTPS_PORT = 443
# What Azure does where no group is: the network is let in. Public addresses are closed.
NO_GROUP: Sequence[Rule] = ({**OWN[0], "name": "no security group", "priority": 100},)


def shut_out(plan: Plan) -> Iterator[tuple[str, str]]:
    """What it happens to, and who is shut out of what, in Markdown."""
    for step in groups(plan):
        if step.operation == "update" and (both := (told(step.before), told(step.after))) != (None, None):
            yield from compared(plan, step.name, *both)
        elif step.operation == "replace":
            yield step.name, "It is deleted and made anew, and nobody from the Internet is let in without it."
        elif step.operation == "delete" and not users(plan):
            yield step.name, "It is deleted, and nobody from the Internet is let in without it."
    for step in users(plan):
        if step.operation in ("update", "replace"):
            for reason in relinked(plan, step):
                yield server_of(step) or step.name, reason


def untold(plan: Plan) -> Iterator[tuple[str, str]]:
    """Groups of which the preview does not tell whom they would let in."""
    for step in groups(plan):
        if step.operation == "update" and told(step.after) is None:
            yield step.name, "Whom it lets in would be known only after the run"


def relinked(plan: Plan, step: PreviewStep) -> Iterator[str]:
    """Another group, or none, at a network interface or a subnet."""
    old, new = (half.get(LINK) for half in (step.before, step.after))
    if new == old:
        return
    if not new:
        yield "Its security group is taken away, and nobody from the Internet is let in without one."
        return
    target = linked_group(plan, step)
    if target is not None and target.before:
        # Judged as the group itself.
        return
    before = told_before(plan) if old else NO_GROUP
    after = told(target.after) if target else None
    if before is None or after is None:
        yield f"It gets another security group ({code(name_of(new))}); whom that lets in, this preview does not tell."
        return
    for _, reason in compared(plan, step.name, before, after):
        yield reason


def compared(
    plan: Plan, name: str, before: Sequence[Rule] | None, after: Sequence[Rule] | None
) -> Iterator[tuple[str, str]]:
    if before is None or after is None:
        return
    ports = https_ports(plan)
    for one in lost(before, after, ports, own_prefixes(plan)):
        yield name, sentence(one, ports)


def sentence(one: Lost, ports: tuple[int, int]) -> str:
    who = f"{'' if one.whole else 'a part of '}{codes(one.sources)}"
    moved = f", and port {ports[1]}, where the servers listen then," if ports[0] != ports[1] else ""
    text = f"Port {ports[0]} can be reached from {who} (by {code(one.rule)}){moved} and no rule would allow it any more"
    return text + (": Azure's own last rule alone would still do so." if one.last else ".")


def groups(plan: Plan) -> list[PreviewStep]:
    return [step for step in plan.preview.changes if step.type == GROUP]


def users(plan: Plan) -> list[PreviewStep]:
    """Network interfaces and subnets that have a group before or after, and a change of it; gone ones, too."""
    return [
        step
        for step in plan.preview.changes
        if step.type in LINKED and step.before.get(LINK) != step.after.get(LINK) and step.operation != "create"
    ]


def linked_group(plan: Plan, step: PreviewStep) -> PreviewStep | None:
    """The group in this preview that the link leads to; events tell no dependencies: there it is the only one."""
    needed = step.needs.get(LINK)
    made = [group for group in groups(plan) if group.after]
    if needed is not None:
        return next((group for group in made if group.urn in needed), None)
    return made[0] if len(made) == 1 and is_unknown(step.after.get(LINK)) else None


def told_before(plan: Plan) -> Sequence[Rule] | None:
    """The rules of the group that goes, where there is one."""
    gone = [group for group in groups(plan) if group.before]
    return told(gone[0].before) if len(gone) == 1 else None


def told(inputs: Mapping[str, Any]) -> Sequence[Rule] | None:
    """None where the preview does not tell them all."""
    given = inputs.get(RULES) or []
    if not isinstance(given, list) or is_unknown(given) or not all(isinstance(rule, Mapping) for rule in given):
        return None
    numbered = all(isinstance(rule.get("priority", 0), int | float) for rule in given)
    return given if numbered else None


def https_ports(plan: Plan) -> tuple[int, int]:
    """Before and after. What was deployed is told by a gate that changes; one that does not has the same port."""
    after = plan.preview.config.get(f"{PROJECT}:httpsPort", "")
    now = int(after) if str(after).isdigit() else HTTPS_PORT
    gates = [document(step.before).get("health") for step in plan.preview.changes if step.type == COMMAND]
    known = [gate["port"] for gate in gates if isinstance(gate, Mapping) and isinstance(gate.get("port"), int)]
    return (known[0] if known else now, now)


def own_prefixes(plan: Plan) -> Iterator[str]:
    """As far as the stack file and the preview tell them."""
    network = parsed(plan.preview.config.get(f"{PROJECT}:network"))
    yield from (str(network[key]) for key in ("addressSpace", "subnetPrefix") if network.get(key))
    for step in plan.preview.changes:
        for half in (step.before, step.after) if step.type in (SUBNET, NETWORK) else ():
            space = half.get("addressSpace")
            given = [half.get("addressPrefix"), *listed(half.get("addressPrefixes"))]
            given += listed(space.get("addressPrefixes")) if isinstance(space, Mapping) else []
            yield from (str(one) for one in given if one and not is_unknown(one))


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def name_of(link: object) -> str:
    id = link.get("id") if isinstance(link, Mapping) else link
    return "known after the run" if is_unknown(id) else str(id).rpartition("/")[2]
