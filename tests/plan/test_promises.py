"""The kept plans are right, not only unchanged: each promise holds of each of them."""

from __future__ import annotations

import pytest

from stacks import arguments
from tests.plan import stack_files
from tests.plan.plan import Plan
from tests.plan.promises import EVERY, Promise


def sentence(promise: Promise) -> str:
    return promise.__name__.replace("_", " ")


@pytest.mark.parametrize("promise", EVERY, ids=sentence)
def test_of_each_stack_file(promise: Promise, plans: dict[str, Plan]) -> None:
    breaches = {
        stack: list(promise(plans[stack], arguments.read_config_block(stack_files.config_of(stack))))
        for stack in stack_files.STACKS
    }
    assert {stack: found for stack, found in breaches.items() if found} == {}
