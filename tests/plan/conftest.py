from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.plan import stack_files
from tests.plan.plan import RecordedPlan
from tests.plan.program import plan


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("plan")


@pytest.fixture(scope="session", autouse=True)
def imported() -> None:
    """Excludes azure-native from the garbage collection that runs after each plan."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def plans() -> dict[str, RecordedPlan]:
    """Stack -> its plan, of every stack file."""
    return {stack: plan(stack_files.read_stack_config(stack), stack=stack) for stack in stack_files.STACKS}
