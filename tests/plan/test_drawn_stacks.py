"""Stack files that hypothesis draws: each plan keeps every promise, and Azure's models accept it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings

from stacks.arguments import read_config_block
from tests.plan.azure_models import MODELS, UNMODELLED, find_refusals
from tests.plan.plan import RecordedPlan
from tests.plan.program import plan
from tests.plan.promises import EVERY
from tests.plan.strategies import stack_files

# The same examples each time, so that a failure can be repeated.
drawn = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)


@drawn
@given(config=stack_files())
def test_each_plan_keeps_every_promise(config: dict[str, Any]) -> None:
    made, farm = plan(config, stack="drawn"), read_config_block(config)
    breaches = {promise.__name__: list(promise(made, farm)) for promise in EVERY}
    assert {name: found for name, found in breaches.items() if found} == {}


def test_azures_models_refuse_a_wrong_body(plans: dict[str, RecordedPlan]) -> None:
    one = plans["made-here"].find("cas-ex01-nic")
    (configuration,) = one.inputs["ipConfigurations"]

    def refusals(**changes: Any) -> str:
        return "; ".join(find_refusals(replace(one, inputs={**one.inputs, **changes})))

    assert refusals() == ""
    assert "nicType2 is not a property of NetworkInterface" in refusals(nicType2="Standard")
    assert "macAddress" not in refusals()
    assert "mac_address is read-only" in refusals(macAddress="00-00")
    assert "tags['owner']" not in refusals()
    assert "tags[owner] = 1 is not of type str" in refusals(tags={"owner": 1})
    assert "= 'x' is not of type [NetworkInterfaceIPConfiguration]" in refusals(ipConfigurations="x")
    wrong = {**configuration, "privateIPAllocationMethod": "Fixed", "privateIp": "10.0.0.1"}
    text = refusals(ipConfigurations=[wrong])
    assert "= 'Fixed' is not one of Dynamic, Static" in text
    assert "ip_configurations[0].privateIp is not a property" in text
    assert "networkInterfaceName is missing in the path" in refusals(networkInterfaceName=None)


def test_azures_models_refuse_a_missing_property_and_an_unknown_enumeration_value(
    plans: dict[str, RecordedPlan],
) -> None:
    machine, schedule = plans["lab"].find("cas-ex01-vm"), plans["lab"].find("cas-ex01-shutdown")
    disk = {"name": "EX01-os", "createOption": "FromImage"}

    def refusals(disk: dict[str, str]) -> list[str]:
        return list(find_refusals(replace(machine, inputs={**machine.inputs, "storageProfile": {"osDisk": disk}})))

    assert refusals(disk) == []
    assert refusals({"name": "EX01-os"}) == ["cas-ex01-vm: storage_profile.os_disk.create_option is missing in OSDisk"]
    (text,) = refusals({**disk, "createOption": "FromThinAir"})
    assert "create_option = 'FromThinAir' is not one of" in text
    (text,) = find_refusals(replace(schedule, inputs={**schedule.inputs, "status": "On"}))
    assert text == "cas-ex01-shutdown: status = 'On' is not one of Disabled, Enabled"


def test_every_azure_type_that_the_program_registers_has_a_model(plans: dict[str, RecordedPlan]) -> None:
    types = {one.type.partition(":")[2] for made in plans.values() for one in made.resources.values() if one.custom}
    azure = {kind for kind in types if not kind.startswith(("remote:", "local:"))}
    assert azure == MODELS.keys() | UNMODELLED
