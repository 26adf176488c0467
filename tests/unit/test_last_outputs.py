"""Reading the stack's outputs while the engine writes the state that holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest

from components import engine

pytestmark = pytest.mark.unit

HALF_WRITTEN = Exception("returned an error: failed to load checkpoint: EOF")


def read_from(monkeypatch: pytest.MonkeyPatch, *answers: Exception | Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of `read_last_outputs`, given the engine's answers in their order."""
    left: Iterator[Exception | Mapping[str, Any]] = iter(answers)

    async def answer(token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        assert (token, arguments) == ("pulumi:pulumi:readStackOutputs", {"name": "acme/exchange-cas/lab"})
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(pulumi.runtime, "invoke_async", answer)
    for name, value in (("organization", "acme"), ("project", "exchange-cas"), ("stack", "lab")):
        monkeypatch.setattr(pulumi, f"get_{name}", lambda value=value: value)
    monkeypatch.setattr(engine, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(engine, "ATTEMPTS", 3)
    return asyncio.run(engine.read_last_outputs())


def test_a_state_that_is_being_written_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_from(monkeypatch, HALF_WRITTEN, HALF_WRITTEN, {"outputs": {"names": ["owa"]}}) == {"names": ["owa"]}


def test_before_the_first_up_the_outputs_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_from(monkeypatch, {"outputs": {}}) == read_from(monkeypatch, {}) == {}


def test_a_state_that_cannot_be_read_ends_the_run_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pulumi.RunError, match=r"of acme/exchange-cas/lab cannot be read: .*EOF"):
        read_from(monkeypatch, *[HALF_WRITTEN] * 3)
