"""Which resource waits for which, for every combination of three servers: in rotation or not, configured or not,
existing or not.

Deletion runs in the reverse order. Each test checks all these plans and names every one that fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from stacks.arguments import PROJECT
from tests.plan.plan import RecordedPlan
from tests.plan.program import plan
from tests.plan.recorder import Registration

KEYS = ("a1", "b2", "c3")
SUBNET = "/subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/corp/subnets/exchange"
HUB = "/subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/hub"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"


@dataclass(frozen=True, kw_only=True)
class Case:
    """The rows of the servers of KEYS, and the order in which the stack file names them."""

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
            "address": address_for(key),
            "inRotation": key in self.rotating,
            "configureNamespace": key in self.configured,
        }
        if key not in self.existing:
            return row
        return row | {"existing": True, "hostKey": HOST_KEY, "restoreOnRemove": key in self.restored}

    def rollout(self) -> list[str]:
        """The configured servers: the canary, those in rotation, the rest, by key."""
        return sorted(self.configured, key=lambda key: (key != self.canary, key not in self.rotating, key))


def address_for(key: str) -> str:
    return f"10.40.0.{10 + KEYS.index(key)}"


def list_cases() -> Iterator[Case]:
    """Every combination with a server in rotation (others are refused). For each choice of rotation and configuration,
    the eight choices of `existing` go through every canary under both rollouts."""
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


Every = dict[Case, RecordedPlan]


@pytest.fixture(scope="module")
def every() -> Every:
    """Case -> plan. That each plan ends shows that no registrations wait for each other."""
    return {case: plan(case.config()) for case in list_cases()}


def find_breaches(every: Every, broken: Callable[[Case, RecordedPlan], Iterator[str]]) -> list[str]:
    return [f"{case}: {breach}" for case, made in every.items() for breach in broken(case, made)]


def server_command(made: RecordedPlan, key: str, what: str) -> Registration:
    return made.find(f"cas-{key}-{what}")


def record_sets(made: RecordedPlan) -> list[Registration]:
    found = list(made.of_type("PrivateRecordSet").values())
    assert len(found) == 2
    return found


def server_resources(made: RecordedPlan, key: str) -> list[Registration]:
    """Everything of one server except its restoration, which does nothing before it is deleted."""
    return [one for one in made.resources.values() if one.name == f"cas-{key}" or one.name.startswith(f"cas-{key}-")]


def test_the_cases_have_every_combination(every: Every) -> None:
    standing = {(case.rotating, case.configured, case.existing) for case in every}
    assert len(standing) == 8**3 - 8**2, "all but those with no server in rotation"
    rollouts = {(case.rotating, case.configured, case.canary, case.one_by_one) for case in every}
    assert len(rollouts) == 7 * sum(2 * (1 + count) * ways for count, ways in enumerate((1, 3, 3, 1)))
    assert {case.order for case in every} == set(itertools.permutations(KEYS))


def test_no_plan_has_a_cycle(every: Every) -> None:
    for made in every.values():
        for one in made.resources.values():
            assert not made.waits_for(one, one)


def test_each_server_has_exactly_the_commands_that_its_row_asks_for(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        wanted = {f"cas-{key}-{what}" for key in case.configured for what in ("rotation", "namespace", "scripts")}
        wanted |= {f"cas-cas-{key}-restore" for key in case.existing}
        found = {one.name for one in made.resources.values() if one.type.startswith("command:")}
        if found != wanted:
            yield f"{found ^ wanted}"

    assert find_breaches(every, broken) == []


def test_the_record_sets_hold_exactly_the_servers_in_rotation(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        wanted = [{"ipv4Address": address_for(key)} for key in sorted(case.rotating)]
        yield from (one.name for one in record_sets(made) if one.inputs["aRecords"] != wanted)

    assert find_breaches(every, broken) == []


def test_the_record_sets_come_after_the_gate_of_each_server_in_rotation(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key, record in itertools.product(case.rotating & case.configured, record_sets(made)):
            if not made.waits_for(record, server_command(made, key, "rotation")):
                yield f"{record.name} before the gate of {key}"

    assert find_breaches(every, broken) == []


def test_no_server_is_changed_before_the_zone_is_linked(every: Every) -> None:
    """Azure refuses a link if the network has another zone of this name: no server has been changed by then."""

    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        link = made.find("cas-hub-link")
        for key, what in itertools.product(case.configured, ("rotation", "namespace")):
            if not made.waits_for(server_command(made, key, what), link):
                yield f"{key} {what}"

    assert find_breaches(every, broken) == []


def test_no_server_is_changed_before_a_zone_is_created() -> None:
    config = next(list_cases()).config() | {
        f"{PROJECT}:dns": {"private": {}, "public": {}},
        f"{PROJECT}:servers": {"a1": {"computerName": "CAS-a1", "address": address_for("a1")}},
    }
    config[f"{PROJECT}:servers"]["a1"]["publicAddress"] = True
    made = plan(config)
    for zone in ("cas-private-zone", "cas-public-zone", "cas-servers-link"):
        assert made.waits_for(server_command(made, "a1", "rotation"), made.find(zone))


def test_the_record_sets_come_after_each_resource_of_a_server_in_rotation(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key, record in itertools.product(case.rotating - case.existing, record_sets(made)):
            for what in ("-nic", "-vm", "-ssh"):
                if not made.waits_for(record, made.find(f"cas-{key}{what}")):
                    yield f"{record.name} before {key}{what}"

    assert find_breaches(every, broken) == []


def test_a_command_comes_after_the_scripts_and_the_scripts_after_the_machine(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key, what in itertools.product(case.configured, ("rotation", "namespace")):
            if not made.waits_for(server_command(made, key, what), server_command(made, key, "scripts")):
                yield f"{key} {what}"
        for key in case.configured - case.existing:
            if not made.waits_for(server_command(made, key, "scripts"), server_command(made, key, "ssh")):
                yield f"{key} scripts"

    assert find_breaches(every, broken) == []


def test_the_namespace_comes_after_the_record_sets(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key, record in itertools.product(case.configured, record_sets(made)):
            if not made.waits_for(server_command(made, key, "namespace"), record):
                yield f"{key} before {record.name}"

    assert find_breaches(every, broken) == []


def test_the_canary_comes_before_the_rest(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        canary, *rest = case.rollout() or [""]
        for key in rest:
            if not made.waits_for(server_command(made, key, "namespace"), server_command(made, canary, "namespace")):
                yield f"{key} before {canary}"

    assert find_breaches(every, broken) == []


def test_one_by_one_is_a_chain_and_parallel_is_not(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        _, *rest = case.rollout() or [""]
        for earlier, later in itertools.combinations(rest, 2):
            first, second = server_command(made, earlier, "namespace"), server_command(made, later, "namespace")
            if made.waits_for(second, first) != case.one_by_one or made.waits_for(first, second):
                yield f"{earlier}, {later}"

    assert find_breaches(every, broken) == []


def test_a_server_leaves_after_the_record_sets_and_its_own_namespace_command(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key in case.configured - case.rotating:
            leaving = server_command(made, key, "rotation")
            for earlier in (*record_sets(made), server_command(made, key, "namespace")):
                if not made.waits_for(leaving, earlier):
                    yield f"{key} before {earlier.name}"

    assert find_breaches(every, broken) == []


def test_a_gate_waits_for_no_other_server(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key, other in itertools.permutations(KEYS, 2):
            if key in case.rotating & case.configured:
                for part in server_resources(made, other):
                    if made.waits_for(server_command(made, key, "rotation"), part):
                        yield f"{key} after {part.name}"

    assert find_breaches(every, broken) == []


def test_a_server_out_of_rotation_delays_no_other(every: Every) -> None:
    """Except in the rollout: if the stack file names it as canary, and one by one among servers out of rotation."""

    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        order = case.rollout()
        for slow in set(KEYS) - case.rotating:
            held = [one for one in made.resources.values() if one not in server_resources(made, slow)]
            for later, part in itertools.product(held, server_resources(made, slow)):
                if not made.waits_for(later, part):
                    continue
                behind = order[order.index(slow) + 1 :] if slow in order else []
                rolled = any(later.name in (f"cas-{key}-namespace", f"cas-{key}-rotation") for key in behind)
                gate = any(later.name == f"cas-{key}-rotation" for key in case.rotating)
                if not rolled or gate or part.name == f"cas-{slow}-rotation":
                    yield f"{later.name} after {part.name}"
                elif slow != order[0] and not case.one_by_one:
                    yield f"{later.name} after {part.name}, in parallel"

    assert find_breaches(every, broken) == []


def test_a_destroy_deletes_the_record_sets_before_it_restores_a_server(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key, record in itertools.product(case.existing, record_sets(made)):
            restoration = made.find(f"cas-cas-{key}-restore")
            if not made.waits_for(record, restoration):
                yield f"{record.name}, {key}"
            if made.waits_for(restoration, record):
                yield f"{key} both ways"

    assert find_breaches(every, broken) == []


def test_only_an_existing_server_with_restore_on_remove_is_restored(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key in case.existing:
            if ("delete" in made.find(f"cas-cas-{key}-restore").inputs) != (key in case.restored):
                yield key

    assert find_breaches(every, broken) == []


def test_a_change_of_rotation_is_the_only_trigger(every: Every) -> None:
    def broken(case: Case, made: RecordedPlan) -> Iterator[str]:
        for key in case.configured:
            rotation, namespace = server_command(made, key, "rotation"), server_command(made, key, "namespace")
            if rotation.inputs["triggers"] != [key in case.rotating] or "triggers" in namespace.inputs:
                yield key
            if (rotation.options["deleteBeforeReplace"], namespace.options["deleteBeforeReplace"]) != (True, False):
                yield f"{key}: what is deleted first"

    assert find_breaches(every, broken) == []
