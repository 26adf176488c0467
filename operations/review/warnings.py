"""What is worth a second thought, and no danger: Markdown lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from components import rules
from operations.review.dangers import Danger
from operations.review.labels import RESTORATION, owner
from operations.review.markdown import code, codes
from operations.review.plan import COMMAND, MACHINE, ZONE_NAME, ZONES, Addresses, Plan
from operations.review.preview import PreviewStep, is_unknown
from operations.review.values import AFTER_THE_RUN, plain

LINK = "azure-native:privatedns:VirtualNetworkLink"
LOOK = "`python -m operations adopt` tells."


def thoughts(plan: Plan, dangers: Sequence[Danger]) -> list[str]:
    """What is a danger already is not said twice."""
    said = [warning.removeprefix("warning: ") for warning in plan.preview.warnings]
    news = [code(text) for text in said if not any(danger.reason.lower() in text.lower() for danger in dangers)]
    return list(dict.fromkeys([*news, *(line for find in FINDERS for line in find(plan))]))


def few_addresses(plan: Plan) -> Iterator[str]:
    for row in plan.records:
        if row.after is not None:
            for text in rules.check_address_count(distinct(row.after)):
                yield f"{code(row.name)} ({row.side}): {text}"


def distinct(found: Addresses) -> list[object]:
    """Two unknown addresses are two."""
    return [index if address == AFTER_THE_RUN else address for index, address in enumerate(found)]


def gone_for_a_while(plan: Plan) -> Iterator[str]:
    for row in plan.records:
        if row.replaced:
            yield f"{code(row.name)} ({row.side}) is deleted before it is made anew: no answer in between."


def different_addresses(plan: Plan) -> Iterator[str]:
    for side in ("inside", "outside"):
        names = {row.name: row.after for row in plan.records if row.side == side and row.after}
        for text in rules.check_same_addresses(names):
            yield f"{side}: {code(text)}"


def plain_urls(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        if change.setting.endswith(("Url", "Uri")) and change.new not in (None, AFTER_THE_RUN):
            for text in rules.check_https_url(str(change.new)):
                yield f"{code(change.setting)}: {code(text)}"


def joining(plan: Plan) -> Iterator[str]:
    """A server that exists passes its gate before it enters DNS, and is told the URLs after that."""
    first = {owner(step) for step in plan.preview.changes if step.operation == "create" and is_namespace(step)}
    entering = {plan.owner.get(address) for row in plan.records if row.before for address in row.entering}
    for key in sorted(first & entering):
        if key and not plan.servers[key].made:
            yield (
                f"{code(key)} enters DNS in the run that first tells it the URLs of this namespace: until then it "
                "answers with its own, or none. Out of rotation first (inRotation: false), nobody meets those."
            )


def taken_elsewhere(plan: Plan) -> Iterator[str]:
    """A preview knows of its own things alone, and Azure refuses some of them beside others."""
    made = {plain(step.after.get(ZONE_NAME[ZONES[step.type]])) for step in plan.preview.changes if makes_a_zone(step)}
    new = [row for row in plan.records if row.before is None and row.name.partition(".")[2] not in made]
    links = [step for step in plan.preview.changes if step.type == LINK and step.operation == "create"]
    linked = [step.name for step in links if not is_unknown(step.after.get("virtualNetwork"))]
    if new:
        names = codes(list(dict.fromkeys(row.name for row in new)))
        yield f"{names}: new in a zone that exists. Whether it has a CNAME, AAAA or NS record of that name, {LOOK}"
    if linked:
        yield f"{codes(linked)}: Azure links a network to one private zone of a name. Whether it is linked, {LOOK}"


def makes_a_zone(step: PreviewStep) -> bool:
    return step.type in ZONES and step.operation in ("create", "replace")


def is_namespace(step: PreviewStep) -> bool:
    return step.type == COMMAND and step.name.endswith("-namespace")


def left(plan: Plan) -> Iterator[str]:
    """What becomes of a server's settings when its command is deleted."""
    deleted = [step for step in plan.preview.changes if step.operation == "delete"]
    put_back = [step.name for step in deleted if step.type == RESTORATION and step.before.get("delete")]
    machines = {owner(step) for step in deleted if step.type == MACHINE}
    for step in deleted:
        key = owner(step)
        if not key or key in machines or not step.name.endswith("-namespace"):
            continue
        restored = any(name.endswith(f"-{plan.computer_name(key)}-restore") for name in put_back)
        what = "its own URLs are put back" if restored else "the URLs on it stay as they are"
        yield f"{code(key)} is no longer looked after: {what}."


def open_ports(plan: Plan) -> Iterator[str]:
    for step in plan.preview.changes:
        opened = [rule for rule in step.after.get("securityRules") or [] if isinstance(rule, Mapping)]
        for text in rules.find_open_management_ports(opened):
            yield f"{code(step.name)}: {code(text)}"


def unprotected_zones(plan: Plan) -> Iterator[str]:
    production = rules.is_production(plan.preview.stack)
    for step in plan.preview.steps:
        side = ZONES.get(step.type)
        if side and step.after:
            name = plain(step.after.get(ZONE_NAME[side], step.name))
            for text in rules.check_zone_protection(name, protected=step.protected_after, production=production):
                # The program calls its zones by their keys, and speaks of all of them or of none.
                if not any(text.removeprefix(name) in warning for warning in plan.preview.warnings):
                    yield code(text)


FINDERS: tuple[Callable[[Plan], Iterator[str]], ...] = (
    few_addresses,
    gone_for_a_while,
    different_addresses,
    plain_urls,
    joining,
    taken_elsewhere,
    left,
    open_ports,
    unprotected_zones,
)
