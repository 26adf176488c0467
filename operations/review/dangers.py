"""Plans that nobody should run unread: each with a name to accept it by, a reason and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from components import rules
from operations.review import admission
from operations.review.labels import is_command, is_component
from operations.review.markdown import bare, code
from operations.review.plan import MACHINE, ZONE_NAME, ZONES, Plan, Records
from operations.review.preview import PreviewStep
from operations.review.values import AFTER_THE_RUN, plain, spelled
from stacks.arguments import PROJECT

NO_ADDRESS_LEFT = "no-address-left"
MOST_ADDRESSES_GONE = "most-addresses-gone"
ENTERS_AS_MADE = "enters-dns-as-made"
CLIENTS_SHUT_OUT = "clients-shut-out"
SERVING_SERVER_LOST = "serving-server-lost"
ZONE_DELETED = "zone-deleted"
PROTECTED_DELETED = "protected-deleted"
TTL_TOO_LONG = "ttl-too-long"
PROTECTION_AND_DELETION = "protection-off-and-deletion"
SEVERAL_REPLACED = "several-servers-replaced"
NOT_KNOWN_YET = "not-known-yet"
STRANGE_OPERATION = "unknown-operation"

REMEDIES = {
    NO_ADDRESS_LEFT: "Give the name's clients another name first, wait until they use it, and take this one away in a "
    "run of its own.",
    MOST_ADDRESSES_GONE: "Take servers out one after the other, a run each.",
    ENTERS_AS_MADE: "Add the server with inRotation: false, and take that away in a second run, when Exchange and its "
    "certificate are installed.",
    CLIENTS_SHUT_OUT: "Name the clients' new addresses beside the old ones, and httpsPort among clientPorts; take the "
    "old ones away in a run of its own, when nobody comes from there any more.",
    SERVING_SERVER_LOST: "Set inRotation: false for this server, run, and do this in the next run.",
    ZONE_DELETED: "Keep the zone: set protect: true. To name it as existing instead, have Pulumi forget it first "
    "(`pulumi state delete`).",
    PROTECTED_DELETED: "Take it out of this change. If it shall go, run `pulumi state unprotect` of it first, on its "
    "own.",
    TTL_TOO_LONG: "Set dns.ttlSeconds: 300, or less.",
    PROTECTION_AND_DELETION: "Two runs: switch protect off in one, and delete in the next, so that each is read.",
    SEVERAL_REPLACED: "Replace one server a run: out of rotation, replaced, back in rotation.",
    NOT_KNOWN_YET: "Make what it depends on in a run of its own; the preview of the next one then knows it.",
    STRANGE_OPERATION: "Read in `pulumi preview --diff` what it is. The review may be older than this Pulumi.",
}


@dataclass(frozen=True, kw_only=True)
class Danger:
    """`subject` is what it happens to; `reason`, in Markdown, what clients or the operator would meet."""

    name: str
    subject: str
    reason: str

    @property
    def remedy(self) -> str:
        return REMEDIES[self.name]


def dangers(plan: Plan) -> list[Danger]:
    return [danger for find in FINDERS for danger in find(plan)]


def addresses_gone(plan: Plan) -> Iterator[Danger]:
    for row in plan.records:
        gone = len(row.gone)
        if not row.before or not row.certain or not gone:
            continue
        if not row.after:
            reason = "The name would have no address any more: every client that uses it loses its server."
            yield Danger(name=NO_ADDRESS_LEFT, subject=subject(row), reason=reason)
        elif gone == len(row.before):
            reason = (
                f"All {gone} addresses that clients know would be gone at once; what a client remembers, for up to "
                f"{bare(plain(row.ttl_before))} s, leads nowhere."
            )
            yield Danger(name=NO_ADDRESS_LEFT, subject=subject(row), reason=reason)
        elif 2 * gone > len(row.before):
            left = len(row.before) - gone
            reason = f"{gone} of {len(row.before)} addresses would be gone at once; {left} would carry all clients."
            yield Danger(name=MOST_ADDRESSES_GONE, subject=subject(row), reason=reason)


def subject(row: Records) -> str:
    return f"{row.name} ({row.side})"


def enters_as_made(plan: Plan) -> Iterator[Danger]:
    """A new server has Exchange's own URLs, or none, until the commands that follow the record sets have run."""
    entering: dict[str, list[str]] = {}
    for row in plan.records:
        new = [*(plan.owner[address] for address in row.entering if address in plan.owner), *row.awaited]
        made = {key for key in new if plan.servers[key].made}
        known = [address for address in row.after or () if plan.owner.get(address) not in made]
        others = row.before or [address for address in known if address != AFTER_THE_RUN]
        for key in sorted(made) if others else ():
            entering.setdefault(key, []).append(row.name)
    for key, names in sorted(entering.items()):
        clients = spelled([code(name) for name in sorted(set(names))])
        reason = (
            f"Clients of {clients} would be sent to a server that this very run makes, before it tells them the URLs "
            "of this namespace, while other servers are there for them."
        )
        yield Danger(name=ENTERS_AS_MADE, subject=key, reason=reason)


def clients_shut_out(plan: Plan) -> Iterator[Danger]:
    for subject, reason in admission.shut_out(plan):
        yield Danger(name=CLIENTS_SHUT_OUT, subject=subject, reason=reason)


def serving_server_lost(plan: Plan) -> Iterator[Danger]:
    for server in plan.servers.values():
        if server.machine is not None and server.machine.gone and server.serving:
            done = "deleted" if server.machine.operation == "delete" else "deleted and made anew"
            reason = f"Its virtual machine would be {done} while clients are connected to it; no drain comes first."
            yield Danger(name=SERVING_SERVER_LOST, subject=server.key, reason=reason)


def zone_deleted(plan: Plan) -> Iterator[Danger]:
    for step in plan.preview.changes:
        side = ZONES.get(step.type)
        if side and step.gone:
            name = plain(step.before.get(ZONE_NAME[side], step.name))
            reason = "All names in the zone would be gone, also those that are not of this stack."
            yield Danger(name=ZONE_DELETED, subject=f"{name} ({side})", reason=reason)


def protected_deleted(plan: Plan) -> Iterator[Danger]:
    for step in plan.preview.changes:
        if step.gone and step.protected_before:
            reason = "It is protected, which somebody did so that it stays."
            yield Danger(name=PROTECTED_DELETED, subject=step.name, reason=reason)


def ttl_too_long(plan: Plan) -> Iterator[Danger]:
    for row in plan.records:
        if is_number(row.ttl_after):
            for reason in rules.check_ttl(row.ttl_after):
                yield Danger(name=TTL_TOO_LONG, subject=subject(row), reason=reason[0].upper() + reason[1:])


def protection_off_and_deletion(plan: Plan) -> Iterator[Danger]:
    """A resource that only loses its protection has a step, too, though nothing else happens to it."""
    deleted = [step for step in plan.preview.changes if loses(step)]
    freed = [
        step
        for step in plan.preview.steps
        if step.protected_before and not step.protected_after and step.operation != "delete"
    ]
    switched = str(plan.preview.config.get(f"{PROJECT}:protect", "")).lower() == "false" and any(
        step.protected_before for step in deleted
    )
    if deleted and (freed or switched):
        reason = (
            f"Protection is switched off (for {len(freed) or 'some'} parts) in the same run that deletes "
            f"{len(deleted)}: what was to be kept is not looked at on its own."
        )
        yield Danger(name=PROTECTION_AND_DELETION, subject=plan.preview.stack, reason=reason)


def loses(step: PreviewStep) -> bool:
    """Whether something is deleted: a command without a delete text is only run again, or forgotten."""
    return step.gone and not is_component(step) and (not is_command(step) or bool(step.before.get("delete")))


def several_replaced(plan: Plan) -> Iterator[Danger]:
    replaced = [step for step in plan.preview.changes if step.type == MACHINE and step.operation == "replace"]
    if len(replaced) > 1:
        reason = "Several servers would be gone at the same time, and come back empty: without Exchange."
        named = [key for key, server in plan.servers.items() if server.machine in replaced]
        yield Danger(name=SEVERAL_REPLACED, subject=spelled(named), reason=reason)


def not_known_yet(plan: Plan) -> Iterator[Danger]:
    """What cannot be judged is no safe plan; an address of a server that is made in the same run is just new."""
    for row in plan.records:
        if what := unjudged(row):
            reason = f"The {what}, so nobody can say now what clients would get."
            yield Danger(name=NOT_KNOWN_YET, subject=subject(row), reason=reason)
    for group, what in admission.untold(plan):
        yield Danger(name=NOT_KNOWN_YET, subject=group, reason=f"{what}, so it is not known who reaches the servers.")


def strange_operation(plan: Plan) -> Iterator[Danger]:
    for step in plan.preview.changes:
        if not step.is_known:
            reason = f"The engine would do {code(step.operation)} with it, and the review does not know what that is."
            yield Danger(name=STRANGE_OPERATION, subject=step.name, reason=reason)


def unjudged(row: Records) -> str:
    known_change = row.before and (row.gone or not row.certain)
    if not row.certain or (known_change and AFTER_THE_RUN in (row.after or ())):
        return "addresses would be known only after the run"
    if AFTER_THE_RUN in row.name:
        return "name would be known only after the run"
    if row.ttl_after == AFTER_THE_RUN:
        return "TTL would be known only after the run"
    return "" if row.ttl_after is None or is_number(row.ttl_after) else "TTL is no number here"


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float)


FINDERS: tuple[Callable[[Plan], Iterator[Danger]], ...] = (
    addresses_gone,
    enters_as_made,
    clients_shut_out,
    serving_server_lost,
    zone_deleted,
    protected_deleted,
    ttl_too_long,
    protection_off_and_deletion,
    several_replaced,
    not_known_yet,
    strange_operation,
)
