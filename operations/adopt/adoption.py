"""What a stack would create and Azure has already, and what the next `up` would make of it once it is adopted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from operations.adopt.questions import called, wanted
from operations.result import Finding, State
from operations.review.preview import AFTER_THE_RUN, is_unknown
from operations.review.resources import MACHINE

# What an `up` may do with something that is adopted.
HARMLESS = frozenset({"same", "update"})
KEEP_MACHINE = (
    "its disk and its network interface have names of their own, which no key of the stack file says. Keep the machine "
    "as it is and write its server with existing: true and its hostKey: then no machine is made for it"
)


class Copy(Protocol):
    """What is asked of a copy of the stack: see operations.adopt.scratch."""

    def preview(self) -> tuple[dict[str, Any], dict[str, Any]]: ...
    def look(self, wanted: Mapping[str, Any]) -> dict[str, dict[str, Any]]: ...
    def adopt(self, file: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Change:
    """One setting of something adopted, as it is and as the next `up` would make it."""

    setting: str
    now: str
    then: str


@dataclass(frozen=True, kw_only=True)
class Existing(Finding):
    """One thing that exists; `operation` is the engine's word for what the next `up` would do with it."""

    urn: str
    type: str
    name: str
    id: str | None
    operation: str = "same"
    changes: tuple[Change, ...] = ()

    @property
    def subject(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Conflict(Finding):
    """What is in the way of a thing of the stack, or takes its clients elsewhere; `detail` says it with the remedy."""

    name: str

    @property
    def subject(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """`file` is for `pulumi import`; `existing` what was found, and what could not be looked at."""

    existing: tuple[Existing, ...]
    conflicts: tuple[Conflict, ...] = ()
    file: Mapping[str, Any]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.existing, *self.conflicts)

    @property
    def adopted(self) -> list[Existing]:
        return [one for one in self.existing if one.state is State.FINE]


@dataclass
class Search:
    """The looking goes on as long as something is found: what is inside a zone is known when the zone is."""

    copy: Copy
    found: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, tuple[Conflict, ...]] = field(default_factory=dict)
    asked: set[tuple[str, bool]] = field(default_factory=set)

    def run(self) -> Adoption:
        digest, skeleton = self.copy.preview()
        whole = skeleton
        while new := self._look(digest):
            self.copy.adopt(chosen(skeleton, new))
            digest, skeleton = self.copy.preview()
        existing = tuple(self._judged(digest))
        fine = {one.urn: str(one.id) for one in existing if one.state is State.FINE}
        conflicts = tuple(dict.fromkeys(one for several in self.conflicts.values() for one in several))
        return Adoption(existing=existing, conflicts=conflicts, file=chosen(whole, fine))

    def _look(self, digest: Mapping[str, Any]) -> dict[str, str]:
        """What is found this time: URN -> id."""
        asking = {urn: one for urn, one in wanted(digest) if (urn, one["path"]) not in self.asked}
        if not asking:
            return {}
        self.asked |= {(urn, one["path"]) for urn, one in asking.items()}
        told = self.copy.look(asking)
        for urn, answer in told.items():
            details = answer.get("conflicts", ())
            self.conflicts[urn] = tuple(
                Conflict(state=State.DIFFERENT, detail=detail, name=called(asking[urn])) for detail in details
            )
        self.unseen |= {urn: answer["error"] for urn, answer in told.items() if "error" in answer}
        new = {urn: str(answer["id"]) for urn, answer in told.items() if answer.get("id")}
        self.found |= new
        return new

    def _judged(self, digest: Mapping[str, Any]) -> Iterator[Existing]:
        steps = {step["urn"]: step for step in digest["steps"]}
        for urn, id in self.found.items():
            yield judged(urn, id, steps.get(urn, {"op": "same"}))
        for urn, error in self.unseen.items():
            yield Existing(state=State.UNSEEN, detail=error, urn=urn, type=type_of(urn), name=name_of(urn), id=None)


def judged(urn: str, id: str, step: Mapping[str, Any]) -> Existing:
    operation = step["op"]
    fine = operation in HARMLESS
    reasons = ", ".join(step.get("replaceReasons") or step.get("diffReasons") or ())
    remedy = KEEP_MACHINE if type_of(urn) == MACHINE else "let the stack file say what is there"
    detail = "" if fine else f"the next up would {operation} it ({reasons}): {remedy}"
    return Existing(
        state=State.FINE if fine else State.DIFFERENT,
        detail=detail,
        urn=urn,
        type=type_of(urn),
        name=name_of(urn),
        id=id,
        operation=operation,
        changes=tuple(changes(step)),
    )


def changes(step: Mapping[str, Any]) -> Iterator[Change]:
    now = step.get("oldState", {}).get("inputs", {})
    then = step.get("newState", {}).get("inputs", {})
    # A list as a whole; inside of other things, what differs.
    paths = [path.partition("[")[0] for path in step.get("detailedDiff") or step.get("diffReasons") or ()]
    for setting in dict.fromkeys(paths):
        yield Change(setting=setting, now=shown(at(now, setting)), then=shown(at(then, setting)))


def at(inputs: Any, path: str) -> Any:
    for key in path.split("."):
        inputs = inputs.get(key) if isinstance(inputs, dict) else None
    return inputs


def shown(value: object) -> str:
    """Short, for a table: the addresses of a list of records, and JSON of anything deeper."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return AFTER_THE_RUN if is_unknown(value) else value
    if isinstance(value, list):
        return ", ".join(shown(next(iter(one.values())) if single(one) else one) for one in value) or "nothing"
    return json.dumps(told(value), ensure_ascii=False)


def told(value: Any) -> Any:
    """With words for what only the run will tell."""
    if isinstance(value, dict):
        return {key: told(part) for key, part in value.items()}
    if isinstance(value, list):
        return [told(part) for part in value]
    return AFTER_THE_RUN if is_unknown(value) else value


def single(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1


def chosen(skeleton: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """The part of a skeleton with these URNs under their ids, and the components that they are in."""
    places, known = places_of(skeleton), {place(urn): id for urn, id in ids.items()}
    by_name = {one["name"]: one for one in skeleton["resources"]}
    wanted = {name for name in by_name if places[name] in known}
    inside = set(wanted)
    for name in wanted:
        parent = by_name[name].get("parent")
        while parent in by_name:
            inside.add(parent)
            parent = by_name[parent].get("parent")
    resources = [
        {**one, "id": known[places[one["name"]]]} if one["name"] in wanted else one
        for one in skeleton["resources"]
        if one["name"] in inside
    ]
    table = {"nameTable": skeleton["nameTable"]} if skeleton.get("nameTable") else {}
    return {**table, "resources": resources}


def places_of(skeleton: Mapping[str, Any]) -> dict[str, str]:
    """Name in the file -> the end of its URN. Parents stand before what is in them."""
    table = {name: place(urn) for name, urn in (skeleton.get("nameTable") or {}).items()}
    for one in skeleton["resources"]:
        parent = table.get(one.get("parent", ""), "")
        inside = f"{parent.rpartition('::')[0]}$" if parent else ""
        table[one["name"]] = f"{inside}{one['type']}::{one.get('logicalName', one['name'])}"
    return table


def place(urn: str) -> str:
    """A URN without stack and project: the types of all that it is in, its own, its name."""
    return urn.split("::", 2)[2]


def type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    return urn.rpartition("::")[2]
