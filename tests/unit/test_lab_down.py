"""A lab that goes: what is deleted as a whole, and what is another's and stays."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from operations.labs import azure, down, engine, state
from operations.labs.project import Project
from operations.stack import StackError
from tests.unit.test_lab import ANNA, NOW, TAGS, Recorded, deployment, resource, there

pytestmark = pytest.mark.unit

RESOURCE_GROUP = "azure-native:resources:ResourceGroup"
NEVER_MADE = deployment()
MADE = deployment(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id="/group"))
LOOKED_UP = deployment(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id="/group", external=True))
IMPORTED = deployment(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id="/group", importID="/group"))
BROKEN_OFF = deployment(pending=(resource(RESOURCE_GROUP, "cas-group", inputs={"tags": TAGS}, id=""),))
NO_TAG: dict[str, str] = {}
ANOTHER_LAB = {**TAGS, "lab": "ben"}


class Cloud:
    """Azure with a resource group by the lab's name in it; `deleted` has what was deleted as a whole."""

    def __init__(self) -> None:
        self.tags: dict[str, str] | None = dict(TAGS)
        self.deleted: list[str] = []

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def group_tags(self, group: str) -> dict[str, str] | None:
        return None if group in self.deleted else self.tags

    def zones(self, _: str) -> dict[str, dict[str, str]]:
        return {}

    def delete_group(self, group: str) -> None:
        self.deleted.append(group)


@pytest.fixture
def goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Recorded, Cloud]]:
    """`goes(*errors)`: a lab to take down, whose first runs of `pulumi` end with these errors; `known` is its state."""

    def made(*errors: Exception, known: state.State | None = None) -> tuple[Recorded, Cloud]:
        cloud, left = Cloud(), list(errors)

        def run(*_: str, **__: object) -> None:
            if left:
                raise left.pop(0)

        monkeypatch.setattr(engine, "run", run)
        monkeypatch.setattr(azure, "sign_in", lambda *_: cloud)
        return there(tmp_path, monkeypatch, known or deployment(), {"exchange-cas:tags": TAGS}), cloud

    return made


def take_down(project: Project) -> None:
    down.down(project, ANNA, me="anna", break_lock=False, now=NOW)


def test_a_run_that_begins_when_a_dead_ones_lock_is_taken_away_keeps_the_resource_group(
    goes: Callable[..., tuple[Recorded, Cloud]], dead: int
) -> None:
    text = "the stack is currently locked by 1 lock(s). created by anna@{} (pid {}) at 2026-11-24T03:59:00Z"
    before = engine.InUseError(text.format(socket.gethostname(), dead))
    project, cloud = goes(before, engine.InUseError(text.format("elsewhere", 1)))
    with pytest.raises(engine.InUseError, match="elsewhere"):
        take_down(project)
    assert project.asked == [(("cancel", "--yes", "lab-anna"), "")], "the stack is there, too"
    assert cloud.deleted == []


def test_where_pulumi_alone_cannot_the_resource_group_goes_as_a_whole(
    goes: Callable[..., tuple[Recorded, Cloud]],
) -> None:
    project, cloud = goes(StackError("pulumi destroy ended with 255."))
    take_down(project)
    assert cloud.deleted == ["exchange-cas-lab-anna"]
    assert [words[:2] for words, _ in project.asked] == [("stack", "rm")]


@pytest.mark.parametrize(
    ("known", "tags"),
    [
        pytest.param(NEVER_MADE, NO_TAG, id="never made here, no tag"),
        pytest.param(NEVER_MADE, {"lab": "ben"}, id="never made here, of another lab"),
        pytest.param(LOOKED_UP, NO_TAG, id="only looked up"),
        pytest.param(IMPORTED, NO_TAG, id="imported"),
        pytest.param(BROKEN_OFF, NO_TAG, id="its making was broken off"),
        pytest.param(MADE, ANOTHER_LAB, id="made here, and since then made again by another lab"),
        pytest.param(NEVER_MADE, None, id="none there"),
    ],
)
def test_a_resource_group_of_anothers_stays_when_pulumi_fails_and_so_does_the_lab(
    goes: Callable[..., tuple[Recorded, Cloud]], known: state.State, tags: dict[str, str] | None
) -> None:
    project, cloud = goes(StackError("pulumi destroy ended with 255."), known=known)
    cloud.tags = tags
    with pytest.raises(StackError, match="ended with 255"):
        take_down(project)
    assert cloud.deleted == []
    assert project.asked == [], "the stack is there"
    assert project.file("lab-anna").exists()


@pytest.mark.parametrize("tags", [NO_TAG, {"lab": "ben"}])
def test_a_resource_group_of_anothers_stays_when_the_lab_goes(
    goes: Callable[..., tuple[Recorded, Cloud]], tags: dict[str, str]
) -> None:
    project, cloud = goes()
    cloud.tags = tags
    take_down(project)
    assert cloud.deleted == []
    assert [words[:2] for words, _ in project.asked] == [("stack", "rm")]


def test_a_resource_group_that_the_stack_made_and_that_lost_its_tag_goes_when_pulumi_fails(
    goes: Callable[..., tuple[Recorded, Cloud]],
) -> None:
    project, cloud = goes(StackError("pulumi destroy ended with 255."), known=MADE)
    cloud.tags = NO_TAG
    take_down(project)
    assert cloud.deleted == ["exchange-cas-lab-anna"]
