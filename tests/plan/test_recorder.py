"""The recorder: what it records, what it refuses, and that it waits for every registration."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pulumi
import pytest

from tests.plan.plan import RecordedPlan
from tests.plan.program import GIVEN, DeadlockError, run_program
from tests.plan.wire import UNKNOWN, MarkedArchive, MarkedSecret


class Thing(pulumi.CustomResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        super().__init__("test:index:Thing", name, inputs, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Group", name, None, opts)


def test_every_option_is_recorded_under_the_engines_name() -> None:
    def program() -> None:
        other = Thing("other")
        options = pulumi.ResourceOptions(
            protect=True,
            retain_on_delete=True,
            deleted_with=other,
            replace_with=[other],
            delete_before_replace=False,
            ignore_changes=["a"],
            replace_on_changes=["b"],
            additional_secret_outputs=["c"],
            aliases=[pulumi.Alias(type_="test:index:Before"), "urn:pulumi:s::p::t::n"],
            custom_timeouts=pulumi.CustomTimeouts(create="5m"),
            import_="an id",
        )
        Thing("one", options)

    made = run_program(program, {})
    other = made.find("other")
    assert other.options == {}
    assert made.find("one").options == {
        "protect": True,
        "retainOnDelete": True,
        "deletedWith": other.urn,
        "replaceWith": [other.urn],
        "deleteBeforeReplace": False,
        "ignoreChanges": ["a"],
        "replaceOnChanges": ["b"],
        "additionalSecretOutputs": ["c"],
        "aliases": ["test:index:Before", "urn:pulumi:s::p::t::n"],
        "customTimeouts": {"create": "5m"},
        "importId": "an id",
    }


def test_secrets_and_archives_stay_marked() -> None:
    def program() -> None:
        inner = {"a": pulumi.Output.secret("x"), "b": 2.0, "c": [True, None, 0.5]}
        Thing("one", whole=pulumi.Output.secret("y"), inner=inner, files=pulumi.FileArchive("folder/"))
        pulumi.export("password", pulumi.Output.secret("z"))

    made = run_program(program, {})
    assert made.find("one").inputs == {
        "whole": MarkedSecret("y"),
        "inner": {"a": MarkedSecret("x"), "b": 2, "c": [True, None, 0.5]},
        "files": MarkedArchive("folder/"),
    }
    assert made.outputs == {"password": MarkedSecret("z")}


def test_an_id_is_known_after_an_update_only() -> None:
    def program() -> None:
        Thing("later", of=Thing("one").id)

    assert run_program(program, {}).find("later").inputs == {"of": "<id of one>"}
    assert run_program(program, {}, preview=True).find("later").inputs == {"of": UNKNOWN}


def test_a_dependency_on_a_component_means_its_children_and_an_input_means_its_resource() -> None:
    def program() -> None:
        group = Group("group")
        child = Thing("child", pulumi.ResourceOptions(parent=group))
        Thing("behind", pulumi.ResourceOptions(depends_on=[group]))
        Thing("fed", of=child.id)
        Thing("free")

    made = run_program(program, {})
    assert made.nearest_dependencies(made.find("behind")) == made.nearest_dependencies(made.find("fed")) == ["child"]
    assert made.all_dependencies(made.find("behind")) == {"child", "group"}
    assert made.find("fed").input_dependencies == {"of": {made.find("child").urn}}
    assert made.all_dependencies(made.find("free")) == set()
    assert not made.waits_for(made.find("child"), made.find("behind"))


def test_nearest_dependencies_leave_out_what_another_dependency_waits_for() -> None:
    def program() -> None:
        first = Thing("first")
        second = Thing("second", pulumi.ResourceOptions(depends_on=[first]))
        Thing("third", pulumi.ResourceOptions(depends_on=[first, second]))

    made = run_program(program, {})
    assert made.nearest_dependencies(made.find("third")) == ["second"]
    assert made.waits_for(made.find("third"), made.find("first"))


def test_a_late_registration_is_recorded_too() -> None:
    def program() -> None:
        def two(_: str) -> None:
            Thing("two").id.apply(three)

        def three(_: str) -> None:
            Thing("three")

        Thing("one").id.apply(two)

    assert run_program(program, {}).of_type("Thing").keys() == {"one", "two", "three"}


def test_a_urn_that_is_registered_twice_is_refused() -> None:
    def program() -> None:
        Thing("one")
        Thing("one")

    with pytest.raises(ValueError, match="Thing::one is registered twice"):
        run_program(program, {})


def test_a_name_of_several_resources_is_an_error() -> None:
    def program() -> None:
        Thing("one")
        Group("one")

    made = run_program(program, {})
    assert made.find("one", "Group").custom is False
    with pytest.raises(KeyError, match="2 resources"):
        made.find("one")
    with pytest.raises(KeyError, match="0 resources"):
        made.find("two")


def test_a_registration_that_never_ends_is_an_error() -> None:
    def program() -> None:
        Thing("one", of=asyncio.get_running_loop().create_future())

    with pytest.raises(DeadlockError, match="wait for each other"):
        run_program(program, {})


def test_an_unknown_function_is_an_error() -> None:
    def program() -> None:
        pulumi.runtime.invoke_output("test:index:ask", {})

    with pytest.raises(NotImplementedError, match="test:index:ask"):
        run_program(program, {})


def test_the_configuration_arrives_as_pulumi_passes_it_on() -> None:
    found: dict[str, Any] = {}

    def program() -> None:
        config = pulumi.Config("exchange-cas")
        found["given"], found["default"] = config.get("dns"), config.get("vmSize")
        Thing("one", password=config.require_secret("adminPassword"))
        pulumi.log.warn("mind the step")

    config = {"exchange-cas:dns": {"ttlSeconds": 60}, "exchange-cas:adminPassword": {"secure": "v1:encrypted"}}
    made = run_program(program, config)
    assert found == {"given": '{"ttlSeconds": 60}', "default": "Standard_D4s_v5"}
    assert made.find("one").inputs == {"password": MarkedSecret(GIVEN["adminPassword"])}
    assert made.log.warnings == ["mind the step"]


def test_a_run_leaves_no_state_for_the_next_one() -> None:
    def program() -> None:
        gc.disable()
        pulumi.log.debug = pulumi.log.info
        Thing("one")

    debug = pulumi.log.debug
    first: RecordedPlan = run_program(program, {"exchange-cas:dns": {}})
    assert gc.isenabled()
    assert pulumi.log.debug is debug
    assert run_program(lambda: None, {}).resources == {}
    assert first.of_type("Thing").keys() == {"one"}
