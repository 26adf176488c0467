"""The command provider's stand-in gives the recorded answers of the published provider."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.stand_ins.command import CommandProvider
from tests.unit.command_scenarios import HASTE, Scenarios
from tests.unit.provider_client import Line
from tests.unit.scripted_ssh_server import ScriptedSshServer

pytestmark = pytest.mark.unit

# Seconds. A busy computer delays less; more is a wait that the published provider does not make.
LONGEST_DELAY = 30
RECORD = Path(__file__).parents[1] / "data" / "command-1.2.1" / "calls.jsonl"
# Method that repeats a part of the record -> the scenario of its lines, and their number.
PARTS = {
    "life": ("life", 20),
    "update_text": ("update text", 3),
    "output": ("output", 14),
    "failures": ("failures", 25),
    "bad_inputs": ("bad inputs", 8),
    "copy": ("copy", 17),
}


def _repeat_part(part: str, port: int, root: Path) -> list[Line]:
    with ScriptedSshServer(root) as server, contextlib.closing(Scenarios(port, server)) as scenarios:
        lines: list[Line] = getattr(scenarios, part)()
        return lines


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[list[Line]]]]:
    """Runs all parts at once: two of them wait for an answer that never comes."""
    with (
        pytest.MonkeyPatch.context() as environment,
        CommandProvider() as provider,
        ThreadPoolExecutor(len(PARTS)) as pool,
    ):
        environment.delenv("SSH_AUTH_SOCK", raising=False)
        yield {part: pool.submit(_repeat_part, part, provider.port, tmp_path_factory.mktemp(part)) for part in PARTS}


@pytest.fixture(scope="module")
def record() -> list[Line]:
    return [json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("part", PARTS)
def test_the_stand_in_answers_each_call_as_the_published_provider_did(
    part: str, answers: dict[str, Future[list[Line]]], record: list[Line]
) -> None:
    scenario, count = PARTS[part]
    expected = [line for line in record if line["scenario"].split(":")[0].removesuffix(" a folder") == scenario]
    assert len(expected) == count
    for answered, recorded in zip(answers[part].result(), expected, strict=True):
        took = answered.pop("seconds", None)
        if took is not None:
            # Waits are compared, too; a busy computer may add up to LONGEST_DELAY.
            patience = " s allowed" in recorded["step"]
            least = recorded["seconds"] / HASTE if patience else recorded["seconds"]
            assert least - 0.5 < took < recorded["seconds"] + LONGEST_DELAY, recorded["step"]
        assert answered == {key: value for key, value in recorded.items() if key != "seconds"}


def test_every_line_of_the_record_is_compared(record: list[Line]) -> None:
    assert sum(count for _, count in PARTS.values()) == len(record)
