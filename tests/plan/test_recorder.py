"""The recorder itself: what it remembers, what it refuses, and that it waits for everything."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pulumi
import pytest

from tests.plan.plan import Plan
from tests.plan.program import GIVEN, DeadlockError, run
from tests.plan.wire import UNKNOWN, Archive, Secret


class Thing(pulumi.CustomResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        super().__init__("test:index:Thing", name, inputs, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Group", name, None, opts)


def test_every_option_is_remembered_under_the_engines_name() -> None:
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

    made = run(program, {})
    other = made.one("other")
    assert other.options == {}
    assert made.one("one").options == {
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
        pulumi.export("told", pulumi.Output.secret("z"))

    made = run(program, {})
    assert made.one("one").inputs == {
        "whole": Secret("y"),
        "inner": {"a": Secret("x"), "b": 2, "c": [True, None, 0.5]},
        "files": Archive("folder/"),
    }
    assert made.outputs == {"told": Secret("z")}


def test_an_id_is_known_after_an_update_only() -> None:
    def program() -> None:
        Thing("later", of=Thing("one").id)

    assert run(program, {}).one("later").inputs == {"of": "<id of one>"}
    assert run(program, {}, preview=True).one("later").inputs == {"of": UNKNOWN}


def test_a_component_stands_for_its_children_and_an_input_for_its_resource() -> None:
    def program() -> None:
        group = Group("group")
        child = Thing("child", pulumi.ResourceOptions(parent=group))
        Thing("behind", pulumi.ResourceOptions(depends_on=[group]))
        Thing("fed", of=child.id)
        Thing("free")

    made = run(program, {})
    assert made.after(made.one("behind")) == made.after(made.one("fed")) == ["child"]
    assert made.waits_for(made.one("behind")) == {"child", "group"}
    assert made.one("fed").input_dependencies == {"of": {made.one("child").urn}}
    assert made.waits_for(made.one("free")) == set()
    assert not made.waits(made.one("child"), made.one("behind"))


def test_what_is_implied_is_left_out_of_the_nearest_things_waited_for() -> None:
    def program() -> None:
        first = Thing("first")
        second = Thing("second", pulumi.ResourceOptions(depends_on=[first]))
        Thing("third", pulumi.ResourceOptions(depends_on=[first, second]))

    made = run(program, {})
    assert made.after(made.one("third")) == ["second"]
    assert made.waits(made.one("third"), made.one("first"))


def test_what_is_registered_late_is_there_as_well() -> None:
    def program() -> None:
        def two(_: str) -> None:
            Thing("two").id.apply(three)

        def three(_: str) -> None:
            Thing("three")

        Thing("one").id.apply(two)

    assert run(program, {}).of("Thing").keys() == {"one", "two", "three"}


def test_a_urn_that_is_registered_twice_is_refused() -> None:
    def program() -> None:
        Thing("one")
        Thing("one")

    with pytest.raises(ValueError, match="Thing::one is registered twice"):
        run(program, {})


def test_a_name_of_several_resources_is_no_answer() -> None:
    def program() -> None:
        Thing("one")
        Group("one")

    made = run(program, {})
    assert made.one("one", "Group").custom is False
    with pytest.raises(KeyError, match="2 resources"):
        made.one("one")
    with pytest.raises(KeyError, match="0 resources"):
        made.one("two")


def test_a_registration_that_waits_for_ever_is_an_error() -> None:
    def program() -> None:
        Thing("one", of=asyncio.get_running_loop().create_future())

    with pytest.raises(DeadlockError, match="wait for each other"):
        run(program, {})


def test_an_unknown_function_is_no_silent_answer() -> None:
    def program() -> None:
        pulumi.runtime.invoke_output("test:index:ask", {})

    with pytest.raises(NotImplementedError, match="test:index:ask"):
        run(program, {})


def test_the_configuration_arrives_as_pulumi_hands_it_on() -> None:
    found: dict[str, Any] = {}

    def program() -> None:
        config = pulumi.Config("exchange-cas")
        found["given"], found["default"] = config.get("dns"), config.get("vmSize")
        Thing("one", password=config.require_secret("adminPassword"))
        pulumi.log.warn("mind the step")

    config = {"exchange-cas:dns": {"ttlSeconds": 60}, "exchange-cas:adminPassword": {"secure": "v1:encrypted"}}
    made = run(program, config)
    assert found == {"given": '{"ttlSeconds": 60}', "default": "Standard_D4s_v5"}
    assert made.one("one").inputs == {"password": Secret(GIVEN["adminPassword"])}
    assert made.log.warnings == ["mind the step"]


def test_one_run_leaves_nothing_for_the_next() -> None:
    def program() -> None:
        gc.disable()
        pulumi.log.debug = pulumi.log.info
        Thing("one")

    debug = pulumi.log.debug
    first: Plan = run(program, {"exchange-cas:dns": {}})
    assert gc.isenabled()
    assert pulumi.log.debug is debug
    assert run(lambda: None, {}).resources == {}
    assert first.of("Thing").keys() == {"one"}
