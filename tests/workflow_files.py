"""The workflows and actions of this repository, read as GitHub reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GITHUB = Path(__file__).parents[1] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
LOOK = re.compile(r"steps\.(?P<what>\w+\.(?:outcome|outputs\.\w+)) (?P<sign>==|!=) '(?P<value>\w+)'")
ALSO_AFTER_FAILURE = {"always()", "!cancelled()"}


@dataclass(frozen=True, kw_only=True)
class WorkflowStep:
    """One step; `run` is empty where an action is used."""

    where: str
    id: str
    run: str
    uses: str
    given: Mapping[str, Any]
    env: Mapping[str, str]
    condition: str
    may_fail: bool

    def is_due(self, known: Mapping[str, str], *, failed: bool) -> bool:
        """Whether GitHub runs the step. `known`: ID.outcome and ID.outputs.NAME of earlier steps.

        Raises ValueError for a condition that this module does not know.
        """
        parts = re.split(r" (&&|\|\|) ", self.condition.removeprefix("${{ ").removesuffix(" }}"))
        looks, signs = parts[::2], set(parts[1::2])
        if len(signs) > 1:
            raise ValueError(self.condition)
        held = [is_true(look, known) for look in looks]
        return (any(held) if "||" in signs else all(held)) and (not failed or bool(ALSO_AFTER_FAILURE & {*looks}))


def is_true(look: str, known: Mapping[str, str]) -> bool:
    if not look or look in ALSO_AFTER_FAILURE:
        return True
    found = LOOK.fullmatch(look)
    if not found:
        raise ValueError(look)
    # An output that no step wrote is empty.
    return (known.get(found["what"], "") == found["value"]) == (found["sign"] == "==")


def read_workflow(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def trigger_events(file: Path) -> set[str]:
    """The events that start a workflow."""
    content: dict[Any, Any] = dict(read_workflow(file))
    return set(content[True])  # YAML 1.1 reads `on` as true


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_workflow(file)["jobs"]
    return found


def job_steps(workflow: str, job: str) -> list[WorkflowStep]:
    """Of `.github/workflows/WORKFLOW.yml`."""
    return list(_steps(f"{workflow}.{job}", jobs(GITHUB / "workflows" / f"{workflow}.yml")[job].get("steps", [])))


def every_step() -> list[WorkflowStep]:
    """Of all workflows and actions."""
    found = [step for file in WORKFLOWS for job in jobs(file) for step in job_steps(file.stem, job)]
    return found + [step for file in ACTIONS for step in _steps(file.parent.name, read_workflow(file)["runs"]["steps"])]


def _steps(where: str, steps: list[dict[str, Any]]) -> Iterator[WorkflowStep]:
    for step in steps:
        yield WorkflowStep(
            where=where,
            id=step.get("id", ""),
            run=step.get("run", ""),
            uses=step.get("uses", ""),
            given=step.get("with", {}),
            env=step.get("env", {}),
            condition=str(step.get("if", "")),
            may_fail=bool(step.get("continue-on-error")),
        )
