"""Each kept plan keeps every promise: it is right, not only unchanged."""

from __future__ import annotations

import pytest

from stacks import arguments
from tests.plan import stack_files
from tests.plan.plan import RecordedPlan
from tests.plan.promises import EVERY, Promise


def promise_sentence(promise: Promise) -> str:
    return promise.__name__.replace("_", " ")


@pytest.mark.parametrize("promise", EVERY, ids=promise_sentence)
def test_each_stack_file_keeps(promise: Promise, plans: dict[str, RecordedPlan]) -> None:
    breaches = {
        stack: list(promise(plans[stack], arguments.read_config_block(stack_files.read_stack_config(stack))))
        for stack in stack_files.STACKS
    }
    assert {stack: found for stack, found in breaches.items() if found} == {}
