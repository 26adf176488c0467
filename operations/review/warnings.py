"""Warnings of a plan, as Markdown lines: worth reading, but no reason to refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from components import rules
from operations.review.dangers import Danger
from operations.review.markdown import code, join_codes
from operations.review.plan import Plan
from operations.review.preview import AFTER_THE_RUN, PreviewStep, format_value, is_unknown
from operations.review.record_sets import Addresses
from operations.review.resources import (
    MACHINE,
    RESTORATION,
    ZONE_LINK,
    ZONE_NAME,
    ZONES,
    is_namespace_command,
    server_key,
)

ADOPT = "`python -m operations adopt` shows whether"


def find_warnings(plan: Plan, dangers: Sequence[Danger]) -> list[str]:
    """The preview's own warnings and ours, each once, without what is a danger already."""
    texts = [warning.removeprefix("warning: ") for warning in plan.preview.warnings]
    new = [code(text) for text in texts if not any(danger.reason.lower() in text.lower() for danger in dangers)]
    return list(dict.fromkeys([*new, *(line for find in FINDERS for line in find(plan))]))


def few_addresses(plan: Plan) -> Iterator[str]:
    for row in plan.record_sets:
        if row.after is not None:
            for text in rules.check_address_count(keep_unknown_apart(row.after)):
                yield f"{code(row.name)} ({row.side}): {text}"


def keep_unknown_apart(addresses: Addresses) -> list[object]:
    """Two unknown addresses are two addresses."""
    return [index if address == AFTER_THE_RUN else address for index, address in enumerate(addresses)]


def no_answer_in_between(plan: Plan) -> Iterator[str]:
    for row in plan.record_sets:
        if row.replaced:
            yield f"{code(row.name)} ({row.side}) is deleted and created again: clients get no answer in between."


def different_addresses(plan: Plan) -> Iterator[str]:
    for side in ("inside", "outside"):
        names = {row.name: row.after for row in plan.record_sets if row.side == side and row.after}
        for text in rules.check_same_addresses(names):
            yield f"{side}: {code(text)}"


def insecure_urls(plan: Plan) -> Iterator[str]:
    for change in plan.setting_changes:
        if change.setting.endswith(("Url", "Uri")) and change.new not in (None, AFTER_THE_RUN):
            for text in rules.check_https_url(str(change.new)):
                yield f"{code(change.setting)}: {code(text)}"


def joins_before_its_urls(plan: Plan) -> Iterator[str]:
    """An existing server enters DNS after its gate, and gets the URLs only after that."""
    first = {
        server_key(step) for step in plan.preview.changes if step.operation == "create" and is_namespace_command(step)
    }
    entering = {plan.owners.get(address) for row in plan.record_sets if row.before for address in row.entering}
    for key in sorted(first & entering):
        if key and not plan.servers[key].created:
            yield (
                f"{code(key)} enters DNS in the run that first writes the URLs of this namespace there. Until then it "
                "gives clients its own URLs, or none. To avoid that, deploy it with inRotation: false first."
            )


def exists_already(plan: Plan) -> Iterator[str]:
    """A preview does not see other resources in Azure that conflict with new ones."""
    created = {
        format_value(step.after.get(ZONE_NAME[ZONES[step.type]])) for step in plan.preview.changes if creates_zone(step)
    }
    new = [row for row in plan.record_sets if row.before is None and row.name.partition(".")[2] not in created]
    links = [step for step in plan.preview.changes if step.type == ZONE_LINK and step.operation == "create"]
    linked = [step.name for step in links if not is_unknown(step.after.get("virtualNetwork"))]
    if new:
        names = join_codes(list(dict.fromkeys(row.name for row in new)))
        yield f"{names}: new in a zone that exists. {ADOPT} the zone has a CNAME, AAAA or NS record of the same name."
    if linked:
        yield (
            f"{join_codes(linked)}: Azure links a network to only one private zone of a name. {ADOPT} the network is "
            "linked to another one."
        )


def creates_zone(step: PreviewStep) -> bool:
    return step.type in ZONES and step.is_new


def no_longer_managed(plan: Plan) -> Iterator[str]:
    """What happens to the URLs on a server whose command is deleted."""
    deleted = [step for step in plan.preview.changes if step.operation == "delete"]
    restored = [step.name for step in deleted if step.type == RESTORATION and step.before.get("delete")]
    machines = {server_key(step) for step in deleted if step.type == MACHINE}
    for step in deleted:
        key = server_key(step)
        if not key or key in machines or not step.name.endswith("-namespace"):
            continue
        is_restored = any(name.endswith(f"-{plan.computer_name(key)}-restore") for name in restored)
        urls = "Its own URLs are restored." if is_restored else "The URLs on it stay as they are."
        yield f"{code(key)} is no longer managed. {urls}"


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
            name = format_value(step.after.get(ZONE_NAME[side], step.name))
            for text in rules.check_zone_protection(name, protected=step.protected_after, production=production):
                # The program's own warning covers all of its zones, by their keys.
                if not any(text.removeprefix(name) in warning for warning in plan.preview.warnings):
                    yield code(text)


FINDERS: tuple[Callable[[Plan], Iterator[str]], ...] = (
    few_addresses,
    no_answer_in_between,
    different_addresses,
    insecure_urls,
    joins_before_its_urls,
    exists_already,
    no_longer_managed,
    open_ports,
    unprotected_zones,
)
