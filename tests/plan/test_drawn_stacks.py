"""Stack files that hypothesis draws: each plan keeps every promise, and Azure's own models are among the judges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from stacks.arguments import read_config_block
from tests.plan.azure_models import MODELS, UNMODELLED, refused
from tests.plan.plan import Plan
from tests.plan.program import plan
from tests.plan.promises import EVERY
from tests.plan.strategies import stack_files

# The same examples each time: what fails for one person fails for all.
drawn = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)


@drawn
@given(config=stack_files())
def test_each_gives_a_plan_that_keeps_every_promise(config: dict[str, Any]) -> None:
    made, farm = plan(config, stack="drawn"), read_config_block(config)
    breaches = {promise.__name__: list(promise(made, farm)) for promise in EVERY}
    assert {name: found for name, found in breaches.items() if found} == {}


def test_azures_models_refuse_a_wrong_body(plans: dict[str, Plan]) -> None:
    one = plans["made-here"].one("cas-ex01-nic")
    (configuration,) = one.inputs["ipConfigurations"]

    def said(**changes: Any) -> str:
        return "; ".join(refused(replace(one, inputs={**one.inputs, **changes})))

    assert said() == ""
    assert "nicType2 is no property of NetworkInterface" in said(nicType2="Standard")
    assert "macAddress" not in said()
    assert "mac_address is Azure's own to say" in said(macAddress="00-00")
    assert "tags['owner']" not in said()
    assert "tags[owner] = 1 is no str" in said(tags={"owner": 1})
    assert "= 'x' is no [NetworkInterfaceIPConfiguration]" in said(ipConfigurations="x")
    wrong = {**configuration, "privateIPAllocationMethod": "Fixed", "privateIp": "10.0.0.1"}
    told = said(ipConfigurations=[wrong])
    assert "= 'Fixed' is none of Dynamic, Static" in told
    assert "ip_configurations[0].privateIp is no property" in told
    assert "networkInterfaceName is missing in the path" in said(networkInterfaceName=None)


def test_azures_models_want_what_they_need_and_know_their_words(plans: dict[str, Plan]) -> None:
    machine, schedule = plans["lab"].one("cas-ex01-vm"), plans["lab"].one("cas-ex01-shutdown")
    disk = {"name": "EX01-os", "createOption": "FromImage"}

    def said(disk: dict[str, str]) -> list[str]:
        return list(refused(replace(machine, inputs={**machine.inputs, "storageProfile": {"osDisk": disk}})))

    assert said(disk) == []
    assert said({"name": "EX01-os"}) == ["cas-ex01-vm: storage_profile.os_disk.create_option is missing in OSDisk"]
    (told,) = said({**disk, "createOption": "FromThinAir"})
    assert "create_option = 'FromThinAir' is none of" in told
    (told,) = refused(replace(schedule, inputs={**schedule.inputs, "status": "On"}))
    assert told == "cas-ex01-shutdown: status = 'On' is none of Disabled, Enabled"


def test_every_type_of_azure_that_the_program_makes_is_judged(plans: dict[str, Plan]) -> None:
    types = {one.type.partition(":")[2] for made in plans.values() for one in made.resources.values() if one.custom}
    azure = {kind for kind in types if not kind.startswith(("remote:", "local:"))}
    assert azure == MODELS.keys() | UNMODELLED
