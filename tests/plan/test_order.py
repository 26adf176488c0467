"""Who waits for whom, in every way in which three servers can stand: in rotation or not, configured or not, made here.

Deletion goes the other way round. Each test looks at all these plans and names every one that breaks its sentence.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from stacks.arguments import PROJECT
from tests.plan.plan import Plan
from tests.plan.program import plan
from tests.plan.recorder import Registration

KEYS = ("a1", "b2", "c3")
SUBNET = "/subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/corp/subnets/exchange"
HUB = "/subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/hub"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"


@dataclass(frozen=True, kw_only=True)
class Case:
    """How the servers of KEYS stand, and in which order the stack file names them."""

    rotating: frozenset[str]
    configured: frozenset[str]
    existing: frozenset[str]
    restored: frozenset[str]
    canary: str | None
    one_by_one: bool
    order: tuple[str, ...]

    def config(self) -> dict[str, Any]:
        rollout = {"then": "oneByOne" if self.one_by_one else "parallel"}
        return {
            "azure-native:location": "westeurope",
            f"{PROJECT}:namespace": {"domain": "mail-domain.com"},
            f"{PROJECT}:servers": {key: self.row(key) for key in self.order},
            f"{PROJECT}:operator": "CORP\\operator",
            f"{PROJECT}:operatorPassword": {"secure": "v1"},
            f"{PROJECT}:adminPassword": {"secure": "v1"},
            f"{PROJECT}:allowSingleServer": True,
            f"{PROJECT}:dns": {"private": {"existingResourceGroup": "dns", "linkedNetworks": [HUB]}},
            f"{PROJECT}:network": {"subnetId": SUBNET},
            f"{PROJECT}:rollout": rollout | ({"canary": self.canary} if self.canary else {}),
        }

    def row(self, key: str) -> dict[str, Any]:
        row = {
            "computerName": f"CAS-{key}",
            "address": address_of(key),
            "inRotation": key in self.rotating,
            "configureNamespace": key in self.configured,
        }
        if key not in self.existing:
            return row
        return row | {"existing": True, "hostKey": HOST_KEY, "restoreOnRemove": key in self.restored}

    def rollout(self) -> list[str]:
        """The configured servers: the canary, those in rotation, the rest, by key."""
        return sorted(self.configured, key=lambda key: (key != self.canary, key not in self.rotating, key))


def address_of(key: str) -> str:
    return f"10.40.0.{10 + KEYS.index(key)}"


def cases() -> Iterator[Case]:
    """Every combination but those without a server in rotation, which are refused; and for each way of rotation and
    configuration every canary under both rollouts, as many as there are ways of `existing` to give them to."""
    subsets = [frozenset(some) for count in range(len(KEYS) + 1) for some in itertools.combinations(KEYS, count)]
    orders = itertools.cycle(itertools.permutations(KEYS))
    for rotating, configured in itertools.product(subsets[1:], subsets):
        rollouts = itertools.cycle(itertools.product((None, *sorted(configured)), (False, True)))
        for number, existing in enumerate(subsets):
            canary, one_by_one = next(rollouts)
            yield Case(
                rotating=rotating,
                configured=configured,
                existing=existing,
                restored=existing if number % 2 else existing & rotating,
                canary=canary,
                one_by_one=one_by_one,
                order=next(orders),
            )


Every = dict[Case, Plan]


@pytest.fixture(scope="module")
def every() -> Every:
    """Each of these plans; that they come to an end says that no registrations wait for each other."""
    return {case: plan(case.config()) for case in cases()}


def breaches(every: Every, broken: Callable[[Case, Plan], Iterator[str]]) -> list[str]:
    return [f"{case}: {breach}" for case, made in every.items() for breach in broken(case, made)]


def command(made: Plan, key: str, what: str) -> Registration:
    return made.one(f"cas-{key}-{what}")


def records(made: Plan) -> list[Registration]:
    found = list(made.of("PrivateRecordSet").values())
    assert len(found) == 2
    return found


def parts(made: Plan, key: str) -> list[Registration]:
    """All that belongs to one server, but the restoration, which does nothing before it is deleted."""
    return [one for one in made.resources.values() if one.name == f"cas-{key}" or one.name.startswith(f"cas-{key}-")]


def test_every_combination_is_there(every: Every) -> None:
    standing = {(case.rotating, case.configured, case.existing) for case in every}
    assert len(standing) == 8**3 - 8**2, "all but those with no server in rotation"
    rollouts = {(case.rotating, case.configured, case.canary, case.one_by_one) for case in every}
    assert len(rollouts) == 7 * sum(2 * (1 + count) * ways for count, ways in enumerate((1, 3, 3, 1)))
    assert {case.order for case in every} == set(itertools.permutations(KEYS))


def test_no_plan_has_a_cycle(every: Every) -> None:
    for made in every.values():
        for one in made.resources.values():
            assert not made.waits(one, one)


def test_each_server_has_the_commands_that_its_keys_say_and_no_other(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        wanted = {f"cas-{key}-{what}" for key in case.configured for what in ("rotation", "namespace", "scripts")}
        wanted |= {f"cas-cas-{key}-restore" for key in case.existing}
        found = {one.name for one in made.resources.values() if one.type.startswith("command:")}
        if found != wanted:
            yield f"{found ^ wanted}"

    assert breaches(every, broken) == []


def test_the_record_sets_hold_the_servers_in_rotation_and_no_other(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        wanted = [{"ipv4Address": address_of(key)} for key in sorted(case.rotating)]
        yield from (one.name for one in records(made) if one.inputs["aRecords"] != wanted)

    assert breaches(every, broken) == []


def test_the_record_sets_come_after_the_gate_of_each_server_in_rotation(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key, record in itertools.product(case.rotating & case.configured, records(made)):
            if not made.waits(record, command(made, key, "rotation")):
                yield f"{record.name} before the gate of {key}"

    assert breaches(every, broken) == []


def test_no_server_is_touched_before_the_zone_is_linked(every: Every) -> None:
    """Azure refuses a link where the network has another zone of this name: then nothing has happened yet."""

    def broken(case: Case, made: Plan) -> Iterator[str]:
        link = made.one("cas-hub-link")
        for key, what in itertools.product(case.configured, ("rotation", "namespace")):
            if not made.waits(command(made, key, what), link):
                yield f"{key} {what}"

    assert breaches(every, broken) == []


def test_no_server_is_touched_before_a_zone_that_is_made_here() -> None:
    config = next(cases()).config() | {
        f"{PROJECT}:dns": {"private": {}, "public": {}},
        f"{PROJECT}:servers": {"a1": {"computerName": "CAS-a1", "address": address_of("a1")}},
    }
    config[f"{PROJECT}:servers"]["a1"]["publicAddress"] = True
    made = plan(config)
    for zone in ("cas-private-zone", "cas-public-zone", "cas-servers-link"):
        assert made.waits(command(made, "a1", "rotation"), made.one(zone))


def test_the_record_sets_come_after_all_that_makes_a_server_in_rotation(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key, record in itertools.product(case.rotating - case.existing, records(made)):
            for what in ("-nic", "-vm", "-ssh"):
                if not made.waits(record, made.one(f"cas-{key}{what}")):
                    yield f"{record.name} before {key}{what}"

    assert breaches(every, broken) == []


def test_a_command_comes_after_the_scripts_and_these_after_the_machine(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key, what in itertools.product(case.configured, ("rotation", "namespace")):
            if not made.waits(command(made, key, what), command(made, key, "scripts")):
                yield f"{key} {what}"
        for key in case.configured - case.existing:
            if not made.waits(command(made, key, "scripts"), command(made, key, "ssh")):
                yield f"{key} scripts"

    assert breaches(every, broken) == []


def test_the_namespace_comes_after_the_record_sets(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key, record in itertools.product(case.configured, records(made)):
            if not made.waits(command(made, key, "namespace"), record):
                yield f"{key} before {record.name}"

    assert breaches(every, broken) == []


def test_the_canary_comes_before_the_rest(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        canary, *rest = case.rollout() or [""]
        for key in rest:
            if not made.waits(command(made, key, "namespace"), command(made, canary, "namespace")):
                yield f"{key} before {canary}"

    assert breaches(every, broken) == []


def test_one_by_one_is_a_chain_and_parallel_is_none(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        _, *rest = case.rollout() or [""]
        for earlier, later in itertools.combinations(rest, 2):
            first, second = command(made, earlier, "namespace"), command(made, later, "namespace")
            if made.waits(second, first) != case.one_by_one or made.waits(first, second):
                yield f"{earlier}, {later}"

    assert breaches(every, broken) == []


def test_a_server_leaves_after_the_record_sets_and_its_own_namespace_command(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key in case.configured - case.rotating:
            leaving = command(made, key, "rotation")
            for earlier in (*records(made), command(made, key, "namespace")):
                if not made.waits(leaving, earlier):
                    yield f"{key} before {earlier.name}"

    assert breaches(every, broken) == []


def test_a_gate_waits_for_its_own_server_and_for_no_other(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key, other in itertools.permutations(KEYS, 2):
            if key in case.rotating & case.configured:
                for part in parts(made, other):
                    if made.waits(command(made, key, "rotation"), part):
                        yield f"{key} after {part.name}"

    assert breaches(every, broken) == []


def test_a_server_out_of_rotation_never_holds_up_another(every: Every) -> None:
    """But the rollout itself: where it is the canary by name, and one by one among those out of rotation."""

    def broken(case: Case, made: Plan) -> Iterator[str]:
        order = case.rollout()
        for slow in set(KEYS) - case.rotating:
            held = [one for one in made.resources.values() if one not in parts(made, slow)]
            for later, part in itertools.product(held, parts(made, slow)):
                if not made.waits(later, part):
                    continue
                behind = order[order.index(slow) + 1 :] if slow in order else []
                rolled = any(later.name in (f"cas-{key}-namespace", f"cas-{key}-rotation") for key in behind)
                gate = any(later.name == f"cas-{key}-rotation" for key in case.rotating)
                if not rolled or gate or part.name == f"cas-{slow}-rotation":
                    yield f"{later.name} after {part.name}"
                elif slow != order[0] and not case.one_by_one:
                    yield f"{later.name} after {part.name}, in parallel"

    assert breaches(every, broken) == []


def test_a_destroy_takes_the_names_away_before_it_puts_back_what_was(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key, record in itertools.product(case.existing, records(made)):
            restoration = made.one(f"cas-cas-{key}-restore")
            if not made.waits(record, restoration):
                yield f"{record.name}, {key}"
            if made.waits(restoration, record):
                yield f"{key} both ways"

    assert breaches(every, broken) == []


def test_only_a_server_that_exists_and_wants_it_is_restored(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key in case.existing:
            if ("delete" in made.one(f"cas-cas-{key}-restore").inputs) != (key in case.restored):
                yield key

    assert breaches(every, broken) == []


def test_a_change_of_rotation_is_noticed_and_is_the_only_trigger(every: Every) -> None:
    def broken(case: Case, made: Plan) -> Iterator[str]:
        for key in case.configured:
            rotation, namespace = command(made, key, "rotation"), command(made, key, "namespace")
            if rotation.inputs["triggers"] != [key in case.rotating] or "triggers" in namespace.inputs:
                yield key
            if (rotation.options["deleteBeforeReplace"], namespace.options["deleteBeforeReplace"]) != (True, False):
                yield f"{key}: what is deleted first"

    assert breaches(every, broken) == []
