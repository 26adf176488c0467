"""Finds what a stack would create and Azure has already, and what the next `up` would do with it after the import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from operations.adopt.changes import AdoptionChange, list_changes
from operations.adopt.import_file import select_resources
from operations.adopt.questions import display_name, list_questions
from operations.adopt.stack_copy import StackCopy
from operations.result import Finding, State
from operations.review.resources import MACHINE

# Operations with which the next `up` keeps an adopted resource.
HARMLESS = frozenset({"same", "update"})
KEEP_MACHINE = (
    "its disk and its network interface have other names than this program gives, and no key of the stack file sets "
    "them. Keep the machine as it is and write its server with existing: true and its hostKey: then no machine is made "
    "for it"
)


@dataclass(frozen=True, kw_only=True)
class ExistingResource(Finding):
    """`operation` is the engine's word for what the next `up` would do; `id` is None if Azure refused to tell."""

    urn: str
    id: str | None
    operation: str = "same"
    changes: tuple[AdoptionChange, ...] = ()

    @property
    def type(self) -> str:
        return urn_type(self.urn)

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def subject(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class AdoptionConflict(Finding):
    """`detail`: what would make the next `up` fail or divert clients, with the remedy."""

    name: str

    @property
    def subject(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """`file` is for `pulumi import`; `existing` also holds what Azure refused to tell."""

    existing: tuple[ExistingResource, ...]
    conflicts: tuple[AdoptionConflict, ...] = ()
    file: Mapping[str, Any]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.existing, *self.conflicts)

    @property
    def adopted(self) -> list[ExistingResource]:
        return [one for one in self.existing if one.state is State.FINE]


@dataclass
class Search:
    """Repeats as long as it finds something: the records in a zone can be looked up once the zone is known."""

    copy: StackCopy
    ids: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, tuple[AdoptionConflict, ...]] = field(default_factory=dict)
    asked: set[tuple[str, bool]] = field(default_factory=set)

    def run(self) -> Adoption:
        digest, skeleton = self.copy.preview()
        whole = skeleton
        while found := self._look_up(digest):
            self.copy.adopt(select_resources(skeleton, found))
            digest, skeleton = self.copy.preview()
        existing = tuple(self._judge(digest))
        adopted = {one.urn: str(one.id) for one in existing if one.state is State.FINE}
        conflicts = tuple(dict.fromkeys(one for several in self.conflicts.values() for one in several))
        return Adoption(existing=existing, conflicts=conflicts, file=select_resources(whole, adopted))

    def _look_up(self, digest: Mapping[str, Any]) -> dict[str, str]:
        """URN -> id of what this round found."""
        questions = {urn: one for urn, one in list_questions(digest) if (urn, one["path"]) not in self.asked}
        if not questions:
            return {}
        self.asked |= {(urn, one["path"]) for urn, one in questions.items()}
        answers = self.copy.look_up(questions)
        for urn, answer in answers.items():
            name = display_name(questions[urn])
            self.conflicts[urn] = tuple(
                AdoptionConflict(state=State.DIFFERENT, detail=detail, name=name)
                for detail in answer.get("conflicts", ())
            )
        self.errors |= {urn: answer["error"] for urn, answer in answers.items() if "error" in answer}
        found = {urn: str(answer["id"]) for urn, answer in answers.items() if answer.get("id")}
        self.ids |= found
        return found

    def _judge(self, digest: Mapping[str, Any]) -> Iterator[ExistingResource]:
        steps = {step["urn"]: step for step in digest["steps"]}
        for urn, id in self.ids.items():
            yield judge_step(urn, id, steps.get(urn, {"op": "same"}))
        for urn, error in self.errors.items():
            yield ExistingResource(state=State.UNSEEN, detail=error, urn=urn, id=None)


def judge_step(urn: str, id: str, step: Mapping[str, Any]) -> ExistingResource:
    """Whether the resource can be adopted: only if the next `up` keeps it."""
    operation = step["op"]
    is_kept = operation in HARMLESS
    reasons = ", ".join(step.get("replaceReasons") or step.get("diffReasons") or ())
    remedy = KEEP_MACHINE if urn_type(urn) == MACHINE else "make the stack file describe what exists"
    return ExistingResource(
        state=State.FINE if is_kept else State.DIFFERENT,
        detail="" if is_kept else f"the next up would {operation} it ({reasons}): {remedy}",
        urn=urn,
        id=id,
        operation=operation,
        changes=tuple(list_changes(step)),
    )


def urn_type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]
