"""A review prints no secret of its preview."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

import pytest

from operations.review.page import LONGEST_ERROR
from tests.unit.previews import (
    DRAINED,
    ONE,
    RESTORE,
    SERVER,
    SERVERS,
    Review,
    Step,
    change,
    command,
    events,
    find_row,
    machine,
    stack,
    step,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2-Passw0rd",
        "hunter2|Passw0rd",
        "hunter2`Passw0rd",
        "hunter2\\Passw0rd",
        "a!b|c`d\\e@f.g",
        "-----BEGIN KEY-----\nhunter2\n-----END KEY-----",
    ],
)
@pytest.mark.parametrize("around", ["logon with {} failed", "CORP\\me | {} | failed"], ids=["plain", "signs"])
def test_no_secret_of_a_preview_is_printed(review: Review, secret: str, around: str) -> None:
    document = {
        "server": "EX01",
        "credential": {"userName": "me", "password": secret},
        "settings": {"owa": {"Url": secret}},
    }
    step_of_command = command("update", "ex01", "namespace", {"settings": {}}, document)
    step_of_command["newState"]["inputs"]["connection"] = {"host": ONE, "password": secret}
    content = change(step_of_command, operatorPassword=secret)
    content["diagnostics"] = [
        {"severity": severity, "message": around.format(secret)} for severity in ("error", "warning")
    ]
    text = html.unescape(review(content).output).replace("<!-- -->", "")
    for part in secret.splitlines():
        assert part not in text
    assert text.count(around.format("[secret]")) == 2


def test_no_part_of_a_secret_is_left_where_an_error_is_cut(review: Review) -> None:
    secret = "hunter2-Passw0rd"  # noqa: S105
    content = change(DRAINED, operatorPassword=secret)
    content["diagnostics"] = [{"severity": "error", "message": "x" * (LONGEST_ERROR - 8) + secret}]
    assert "hunter2" not in review(content).output


def test_a_credential_known_only_from_a_script_input_is_not_printed(review: Review) -> None:
    secret = "hunter2-Passw0rd"  # noqa: S105
    old = {"settings": {"owa": {"X": 1}}, "credential": {"userName": "me", "password": "another"}}
    new = {"settings": {"owa": {"X": 2}}, "credential": {"userName": "me", "password": secret}}
    result = review(change(command("update", "ex01", "namespace", old, new)))
    assert find_row(result.stdout, "`ex01` | `owa.X`")[2:] == ["`1`", "`2`"]
    assert secret not in result.output


SECRET_PLACES: dict[str, Callable[[str], Step]] = {
    "inputs before": lambda secret: machine("update", "ex01", old={"inputs": {"osProfile": {"adminPassword": secret}}}),
    "inputs after": lambda secret: machine("update", "ex01", new={"inputs": {"osProfile": {"adminPassword": secret}}}),
    "inputs of what is deleted": lambda secret: machine("delete", "ex01", old={"inputs": {"password": secret}}),
    "outputs before": lambda secret: machine("update", "ex01", old={"outputs": {"keys": [{"accountKey": secret}]}}),
    "outputs after": lambda secret: machine("update", "ex01", new={"outputs": {"connectionString": secret}}),
    "outputs of what stays": lambda secret: machine("same", "ex01", old={"outputs": {"sasToken": secret}}),
    "outputs of the stack": lambda secret: _stack(oldState={"outputs": {"operatorPassword": secret}}),
    "new outputs of the stack": lambda secret: _stack(newState={"outputs": {"operatorPassword": secret}}),
    "an old document": lambda secret: command(
        "update", "ex01", "namespace", {"credential": {"userName": "me", "password": secret}}, {"settings": {}}
    ),
    "a document of a local command": lambda secret: step(
        "update", SERVER, RESTORE, "cas-ex01-restore", {"stdin": json.dumps({"jumpHost": {"privateKey": secret}})}, {}
    ),
    "what a broken-off run left to delete": lambda secret: machine(
        "delete", "ex01", old={"delete": True, "inputs": {"password": secret}}
    ),
    "what is only read": lambda secret: machine("read", "ex01", new={"outputs": {"password": secret}}),
}


def _stack(**states: Any) -> Step:
    """The stack's own step with these states."""
    found = stack(**SERVERS)
    return {**found, **{name: {**found[name], **state} for name, state in states.items()}}


@pytest.mark.parametrize("place", SECRET_PLACES)
@pytest.mark.parametrize("streamed", [False, True], ids=["digest", "events"])
def test_a_secret_is_found_in_every_place_of_a_preview(review: Review, place: str, streamed: bool) -> None:
    secret = "hunter2-Passw0rd"  # noqa: S105
    content = change(SECRET_PLACES[place](secret), DRAINED)
    content["diagnostics"] = [{"severity": "error", "message": f"logon with {secret} failed"}]
    result = review("\n".join(events(content)).encode() if streamed else content)
    assert "logon with [secret] failed" in result.stdout
    assert secret not in result.output
