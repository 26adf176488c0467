"""The command provider's stand-in where inputs are checked, compared and previewed, with no server in it."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2 as pb

from tests.unit.provider_client import (
    COMMAND,
    COPY,
    MARK,
    UNKNOWN,
    Properties,
    ProviderClient,
    folder_archive,
    secret,
    struct,
    text_asset,
)

pytestmark = pytest.mark.unit

LOCAL = "command:local:Command"
THERE = secret({"host": "h"})


def failures(client: ProviderClient) -> dict[str, str]:
    return {failure["property"]: failure["reason"] for failure in client.lines[-1]["answer"].get("failures", [])}


REFUSED: dict[str, tuple[str, Properties, str, str]] = {
    "a variable that is a number": (
        COMMAND,
        {"connection": THERE, "environment": {"A": 1}},
        "environment[A] value",
        "Field 'environment[A] value' on 'remote.CommandInputs' must be a 'string'; got 'float64' instead",
    ),
    "a variable that is true": (
        LOCAL,
        {"environment": {"A": "1", "B": True}},
        "environment[B] value",
        "Field 'environment[B] value' on 'local.CommandInputs' must be a 'string'; got 'bool' instead",
    ),
    "a word of the interpreter that is a number": (
        LOCAL,
        {"interpreter": ["sh", 1]},
        "interpreter[1]",
        "Field 'interpreter[1]' on 'local.CommandInputs' must be a 'string'; got 'float64' instead",
    ),
    "a text for a list": (
        COMMAND,
        {"connection": THERE, "triggers": "x"},
        "triggers",
        "Field 'triggers' on 'remote.CommandInputs' must be a '[]interface {}'; got 'string' instead",
    ),
    "a text for a connection": (
        COMMAND,
        {"connection": secret("h")},
        "connection",
        "Field 'connection' on 'remote.CommandInputs' must be a 'remote.Connection'; got 'string' instead",
    ),
    "an object for a text": (
        COMMAND,
        {"connection": THERE, "stdin": {"a": "b"}},
        "stdin",
        "An error occurred decoding 'CommandInputs.stdin': Cannot decode Object{} to type string; "
        "it isn't a struct, and no custom decoder exists",
    ),
    "a host of nothing": (
        COMMAND,
        {"connection": secret({"host": None})},
        "connection",
        "An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n"
        "\thost: Missing required field 'host' on 'remote.Connection'",
    ),
}


@pytest.mark.parametrize("given", REFUSED)
def test_a_value_of_a_wrong_type_is_refused_with_the_providers_message(client: ProviderClient, given: str) -> None:
    kind, news, where, reason = REFUSED[given]
    client.check(kind, "r", news)
    assert failures(client) == {where: reason}


TAKEN: dict[str, tuple[Properties, Properties]] = {
    "null as left out": ({"port": None, "password": None}, {"port": 22.0}),
    "the whole part of a limit": (
        {"dialErrorLimit": 1.5, "perDialTimeout": 2.9},
        {"dialErrorLimit": 1.0, "perDialTimeout": 2.0},
    ),
    "any number as a port": ({"port": 22.5}, {"port": 22.5}),
}


@pytest.mark.parametrize("given", TAKEN)
def test_a_connection_gets_the_providers_defaults(client: ProviderClient, given: str) -> None:
    changes, expected = TAKEN[given]
    answer = client.check(COMMAND, "r", {"connection": secret({"host": "h", **changes}), "stdin": None})
    known = {"host": "h", "user": "root", "port": 22.0, "dialErrorLimit": 10.0, "perDialTimeout": 15.0}
    assert answer == {"connection": secret({**known, **expected})}
    assert failures(client) == {}


def test_an_output_from_the_engine_is_read_as_its_value(client: ProviderClient) -> None:
    def output(**more: Any) -> Properties:
        return {MARK: rpc._special_output_value_sig, "dependencies": ["urn:a"], **more}

    configured = client.call("Configure", pb.ConfigureRequest())
    assert configured["answer"]["acceptOutputs"] is True
    news = {"connection": output(value={"host": "h"}, secret=True), "create": output(value="a"), "stdin": output()}
    answer = client.check(COMMAND, "r", news)
    assert (answer["create"], answer["stdin"]) == ("a", UNKNOWN)
    assert answer["connection"]["value"]["host"] == "h"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (folder_archive("scripts"), folder_archive("/elsewhere/scripts"), False),
        (text_asset("a", digest="1"), text_asset("b", digest="1"), False),
        (text_asset("a", digest="1"), text_asset("a", digest="2"), True),
        (folder_archive("a"), text_asset("a", digest="00" * 32), True),
    ],
)
def test_sources_are_compared_by_their_hash_not_by_their_path(
    client: ProviderClient, old: Properties, new: Properties, changed: bool
) -> None:
    line = client.diff(COPY, "r", {}, {"source": old}, {"source": new}, "")
    assert line["answer"].get("detailedDiff", {}) == ({"source": {"kind": "UPDATE"}} if changed else {})
    assert line["answer"]["changes"] == ("DIFF_SOME" if changed else "DIFF_NONE")


KNOWN = {"stdout": "before", "stderr": ""}


@pytest.mark.parametrize(
    ("old", "new", "known"),
    [
        ({"create": "a"}, {"create": "a", "stdin": "x"}, True),
        ({"create": "a"}, {"create": "a", "delete": "x", "triggers": ["x"]}, True),
        ({"create": "a"}, {"create": "a", "stdin": UNKNOWN}, False),
        ({"create": "a"}, {"create": "b"}, False),
        ({"create": "a", "stdin": "x"}, {"create": "a"}, False),
        ({"create": "a", "stdin": "x"}, {"create": "a", "stdin": secret("x")}, False),
    ],
)
@pytest.mark.parametrize("kind", [COMMAND, LOCAL])
def test_a_preview_of_an_update_knows_the_outputs_when_inputs_are_only_added(
    client: ProviderClient, kind: str, old: Properties, new: Properties, known: bool
) -> None:
    there = {"connection": THERE} if kind == COMMAND else {}
    state = {**there, **old, **KNOWN}
    after = client.update(kind, "r", state, {**there, **old}, {**there, **new}, preview=True)
    assert {name: after[name] for name in KNOWN} == (KNOWN if known else dict.fromkeys(KNOWN, UNKNOWN))


def test_another_configuration_is_not_compared(client: ProviderClient) -> None:
    """The engine takes this answer for "no difference"."""
    line = client.call("DiffConfig", pb.DiffRequest(olds=struct({}), news=struct({})))
    assert line["error"]["code"] == "UNIMPLEMENTED"
