"""Dangers of a plan: each has a name to accept it with, a reason and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components import rules
from operations.review import security_groups
from operations.review.markdown import code, code_word, join_words
from operations.review.plan import Plan
from operations.review.preview import AFTER_THE_RUN, PreviewStep, format_value
from operations.review.record_sets import is_number
from operations.review.resources import MACHINE, ZONE_NAME, ZONES, is_command, is_component
from stacks.arguments import PROJECT

# What is in danger, and the reason in Markdown: the consequence for clients or the operator.
Found = Iterator[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Danger:
    """`name`: a key of RULES; `reason` is Markdown."""

    name: str
    subject: str
    reason: str

    @property
    def remedy(self) -> str:
        return RULES[self.name].remedy


@dataclass(frozen=True)
class DangerRule:
    find: Callable[[Plan], Found]
    remedy: str


def find_dangers(plan: Plan) -> list[Danger]:
    return [
        Danger(name=name, subject=subject, reason=reason)
        for name, rule in RULES.items()
        for subject, reason in rule.find(plan)
    ]


def no_address_left(plan: Plan) -> Found:
    for row in plan.record_sets:
        if not row.before or not row.certain:
            continue
        if not row.after:
            yield row.label, "The name would have no address: every client that uses it loses its server."
        elif len(row.leaving) == len(row.before):
            ttl = code_word(format_value(row.ttl_before))
            yield (
                row.label,
                f"All {len(row.before)} addresses that clients know would leave DNS at once. For up to {ttl} s, "
                "clients would still use the old ones.",
            )


def most_addresses_gone(plan: Plan) -> Found:
    for row in plan.record_sets:
        before, leaving = len(row.before or ()), len(row.leaving)
        if row.certain and row.after and before > leaving > before / 2:
            left = before - leaving
            yield row.label, f"{leaving} of {before} addresses would leave DNS at once; {left} would carry all clients."


def enters_as_created(plan: Plan) -> Found:
    """A new server has Exchange's default URLs, or none, until the commands after the record sets have run."""
    entering: dict[str, list[str]] = {}
    for row in plan.record_sets:
        new = [*(plan.owners[address] for address in row.entering if address in plan.owners), *row.awaited]
        created = {key for key in new if plan.servers[key].created}
        known = [address for address in row.after or () if plan.owners.get(address) not in created]
        others = row.before or [address for address in known if address != AFTER_THE_RUN]
        for key in sorted(created) if others else ():
            entering.setdefault(key, []).append(row.name)
    for key, names in sorted(entering.items()):
        clients = join_words([code(name) for name in sorted(set(names))])
        yield (
            key,
            f"Clients of {clients} would reach a server that this run creates, before it has the URLs of this "
            "namespace, although other servers are available.",
        )


def serving_server_lost(plan: Plan) -> Found:
    for server in plan.servers.values():
        if server.machine is not None and server.machine.is_deleted and server.serving:
            done = "deleted" if server.machine.operation == "delete" else "deleted and created again"
            yield server.key, f"Its virtual machine would be {done} while clients use it, without a drain."


def zone_deleted(plan: Plan) -> Found:
    for step in plan.preview.changes:
        side = ZONES.get(step.type)
        if side and step.is_deleted:
            name = format_value(step.before.get(ZONE_NAME[side], step.name))
            yield (
                f"{name} ({side})",
                "All names in the zone would be deleted, also those that this stack did not create.",
            )


def protected_deleted(plan: Plan) -> Found:
    for step in plan.preview.changes:
        if step.is_deleted and step.protected_before:
            yield step.name, "It is protected against deletion."


def ttl_too_long(plan: Plan) -> Found:
    for row in plan.record_sets:
        if is_number(row.ttl_after):
            for reason in rules.check_ttl(row.ttl_after):
                yield row.label, reason[0].upper() + reason[1:]


def protection_off_and_deletion(plan: Plan) -> Found:
    """A resource that only loses its protection has a step, although nothing else happens to it."""
    deleted = [step for step in plan.preview.changes if loses_something(step)]
    freed = [
        step
        for step in plan.preview.steps
        if step.protected_before and not step.protected_after and step.operation != "delete"
    ]
    switched = str(plan.preview.config.get(f"{PROJECT}:protect", "")).lower() == "false" and any(
        step.protected_before for step in deleted
    )
    if deleted and (freed or switched):
        yield (
            plan.preview.stack,
            f"The run removes protection (from {len(freed) or 'some'} resources) and deletes {len(deleted)} "
            "resources, so the change of protection cannot be reviewed first.",
        )


def loses_something(step: PreviewStep) -> bool:
    """Whether something is deleted. A command without `delete` only runs again or leaves the state."""
    return step.is_deleted and not is_component(step) and (not is_command(step) or bool(step.before.get("delete")))


def several_replaced(plan: Plan) -> Found:
    replaced = [step for step in plan.preview.changes if step.type == MACHINE and step.operation == "replace"]
    if len(replaced) > 1:
        names = [key for key, server in plan.servers.items() if server.machine in replaced]
        yield (
            join_words(names),
            "Several servers would be deleted at the same time, and created again without Exchange.",
        )


def not_known_yet(plan: Plan) -> Found:
    """Unknown values of a change, except the addresses of servers that this run creates."""
    for row in plan.record_sets:
        if what := row.find_unknown():
            yield row.label, f"{what}, so the review cannot tell what clients would get."
    for step in security_groups.find_unknown_groups(plan):
        yield (
            step.name,
            "Its rules are known only after the run, so the review cannot tell who would reach the servers.",
        )


def unknown_operation(plan: Plan) -> Found:
    for step in plan.preview.changes:
        if not step.is_known:
            yield step.name, f"The engine plans {code(step.operation)}, an operation that the review does not know."


RULES = {
    "no-address-left": DangerRule(
        no_address_left,
        "Give the name's clients another name first, wait until they use it, and remove this one in a run of its own.",
    ),
    "most-addresses-gone": DangerRule(most_addresses_gone, "Take out one server per run."),
    "enters-dns-as-made": DangerRule(
        enters_as_created,
        "Add the server with inRotation: false. Remove that line in a second run, when Exchange and its certificate "
        "are installed.",
    ),
    "clients-shut-out": DangerRule(
        security_groups.find_shut_out,
        "Add the clients' new addresses beside the old ones, and httpsPort to clientPorts. Remove the old ones in a "
        "later run, when no client uses them any more.",
    ),
    "serving-server-lost": DangerRule(
        serving_server_lost, "Set inRotation: false for this server, run, and make this change in the next run."
    ),
    "zone-deleted": DangerRule(
        zone_deleted,
        "Keep the zone: set protect: true. To use it as an existing zone instead, remove it from the state first "
        "(`pulumi state delete`).",
    ),
    "protected-deleted": DangerRule(
        protected_deleted, "Leave it out of this change. To delete it, run `pulumi state unprotect` for it first."
    ),
    "ttl-too-long": DangerRule(ttl_too_long, "Set dns.ttlSeconds: 300, or less."),
    "protection-off-and-deletion": DangerRule(
        protection_off_and_deletion, "Use two runs: set protect: false in the first, delete in the second."
    ),
    "several-servers-replaced": DangerRule(
        several_replaced, "Replace one server per run: out of rotation, replace, back in rotation."
    ),
    "not-known-yet": DangerRule(
        not_known_yet, "Create what it depends on in a run of its own; the next preview then has the values."
    ),
    "unknown-operation": DangerRule(
        unknown_operation, "Read the operation in `pulumi preview --diff`. The review may be older than this Pulumi."
    ),
}
