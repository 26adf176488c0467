"""`lab down`: which resource groups it deletes, and which it leaves alone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.labs import down, locks
from operations.labs.lab_state import LabState
from operations.labs.project import LabProject
from operations.stack import StackError
from tests.unit.labs import ANNA, NOW, TAGS, RecordedProject, deployment, project_with_lab, resource

pytestmark = pytest.mark.unit

RESOURCE_GROUP = "azure-native:resources:ResourceGroup"
NEVER_CREATED = deployment()
CREATED = deployment(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id="/group"))
LOOKED_UP = deployment(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id="/group", external=True))
IMPORTED = deployment(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id="/group", importID="/group"))
INTERRUPTED = deployment(pending=(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id=""),))
NO_TAG: dict[str, str] = {}
ANOTHER_LAB = {**TAGS, "lab": "ben"}


class AzureWithGroup:
    """Azure with a resource group of the lab's name; `deleted`: the groups that were deleted as a whole."""

    def __init__(self) -> None:
        self.tags: dict[str, str] | None = dict(TAGS)
        self.deleted: list[str] = []

    def __enter__(self) -> AzureWithGroup:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def group_tags(self, group: str) -> dict[str, str] | None:
        return None if group in self.deleted else self.tags

    def zones(self, _: str) -> dict[str, dict[str, str]]:
        return {}

    def delete_group(self, group: str) -> None:
        self.deleted.append(group)


MakeLab = Callable[..., tuple[RecordedProject, AzureWithGroup]]


@pytest.fixture
def lab_in_azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeLab:
    """`lab_in_azure(*errors)`: a lab whose first runs of `pulumi` end with these errors; `known` is its state."""

    def made(*errors: Exception, known: LabState | None = None) -> tuple[RecordedProject, AzureWithGroup]:
        cloud, left = AzureWithGroup(), list(errors)

        def run(*_: str, **__: object) -> None:
            if left:
                raise left.pop(0)

        monkeypatch.setattr(locks, "run_update", run)
        monkeypatch.setattr(down, "sign_in", lambda *_: cloud)
        return project_with_lab(tmp_path, monkeypatch, known or deployment(), {"exchange-cas:tags": TAGS}), cloud

    return made


def run_take_down(project: LabProject) -> None:
    down.take_down(project, ANNA, owner="anna", break_lock=False, now=NOW)


def test_a_run_that_starts_after_a_dead_lock_was_removed_protects_the_resource_group(
    lab_in_azure: MakeLab, dead_process: int
) -> None:
    text = "the stack is currently locked by 1 lock(s). created by anna@{} (pid {}) at 2026-11-24T03:59:00Z"
    before = locks.StackLockedError(text.format(socket.gethostname(), dead_process))
    project, cloud = lab_in_azure(before, locks.StackLockedError(text.format("elsewhere", 1)))
    with pytest.raises(locks.StackLockedError, match="elsewhere"):
        run_take_down(project)
    assert project.asked == [(("cancel", "--yes", "lab-anna"), "")], "the stack stays, too"
    assert cloud.deleted == []


def test_when_pulumi_fails_the_resource_group_is_deleted_as_a_whole(
    lab_in_azure: MakeLab,
) -> None:
    project, cloud = lab_in_azure(StackError("pulumi destroy ended with 255."))
    run_take_down(project)
    assert cloud.deleted == ["exchange-cas-lab-anna"]
    assert [words[:2] for words, _ in project.asked] == [("stack", "rm")]


@pytest.mark.parametrize(
    ("known", "tags"),
    [
        pytest.param(NEVER_CREATED, NO_TAG, id="never created here, no tag"),
        pytest.param(NEVER_CREATED, {"lab": "ben"}, id="never created here, another lab's tag"),
        pytest.param(LOOKED_UP, NO_TAG, id="only looked up"),
        pytest.param(IMPORTED, NO_TAG, id="imported"),
        pytest.param(INTERRUPTED, NO_TAG, id="its creation was interrupted"),
        pytest.param(CREATED, ANOTHER_LAB, id="created here, then recreated by another lab"),
        pytest.param(NEVER_CREATED, None, id="no group"),
    ],
)
def test_when_pulumi_fails_a_foreign_resource_group_and_the_lab_stay(
    lab_in_azure: MakeLab, known: LabState, tags: dict[str, str] | None
) -> None:
    project, cloud = lab_in_azure(StackError("pulumi destroy ended with 255."), known=known)
    cloud.tags = tags
    with pytest.raises(StackError, match="ended with 255"):
        run_take_down(project)
    assert cloud.deleted == []
    assert project.asked == [], "the stack stays"
    assert project.stack_file("lab-anna").exists()


@pytest.mark.parametrize("tags", [NO_TAG, {"lab": "ben"}])
def test_a_foreign_resource_group_stays_when_the_lab_lab_in_azure(lab_in_azure: MakeLab, tags: dict[str, str]) -> None:
    project, cloud = lab_in_azure()
    cloud.tags = tags
    run_take_down(project)
    assert cloud.deleted == []
    assert [words[:2] for words, _ in project.asked] == [("stack", "rm")]


def test_when_pulumi_fails_a_resource_group_that_the_stack_created_and_that_lost_its_tag_is_deleted(
    lab_in_azure: MakeLab,
) -> None:
    project, cloud = lab_in_azure(StackError("pulumi destroy ended with 255."), known=CREATED)
    cloud.tags = NO_TAG
    run_take_down(project)
    assert cloud.deleted == ["exchange-cas-lab-anna"]
