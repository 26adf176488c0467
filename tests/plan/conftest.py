from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.plan import stack_files
from tests.plan.plan import Plan
from tests.plan.program import plan


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("plan")


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Python's search for garbage, which runs after each plan, passes over azure-native from here on."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    """Stack -> its plan, of every stack file."""
    return {stack: plan(stack_files.config_of(stack), stack=stack) for stack in stack_files.STACKS}
