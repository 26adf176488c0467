"""What a stack would create and Azure has already, and what the next `up` would make of it once it is adopted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from operations.adopt.look.__main__ import UNKNOWN
from operations.finding import Finding, State

AZURE = "azure-native:"
# What an `up` may do with something that is adopted.
HARMLESS = frozenset({"same", "update"})


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
class Adoption:
    """`file` is for `pulumi import`; `existing` what was found, and what could not be looked at."""

    existing: tuple[Existing, ...]
    file: Mapping[str, Any]

    @property
    def adopted(self) -> list[Existing]:
        return [one for one in self.existing if one.state is State.FINE]


@dataclass
class Search:
    """The looking goes on as long as something is found: what is inside a zone is known when the zone is."""

    copy: Copy
    found: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def run(self) -> Adoption:
        digest, skeleton = self.copy.preview()
        whole = skeleton
        while new := self._look(digest):
            self.copy.adopt(chosen(skeleton, new))
            digest, skeleton = self.copy.preview()
        existing = tuple(self._judged(digest))
        fine = {one.urn: str(one.id) for one in existing if one.state is State.FINE}
        return Adoption(existing=existing, file=chosen(whole, fine))

    def _look(self, digest: Mapping[str, Any]) -> dict[str, str]:
        """What is found this time: URN -> id."""
        wanted = {urn: one for urn, one in created(digest) if urn not in self.asked}
        if not wanted:
            return {}
        self.asked |= wanted.keys()
        told = self.copy.look(wanted)
        self.unseen |= {urn: answer["error"] for urn, answer in told.items() if "error" in answer}
        new = {urn: str(answer["id"]) for urn, answer in told.items() if answer.get("id")}
        self.found |= new
        return new

    def _judged(self, digest: Mapping[str, Any]) -> Iterator[Existing]:
        steps = {step["urn"]: step for step in digest["steps"]}
        for urn, id in self.found.items():
            yield judged(urn, id, steps[urn])
        for urn, error in self.unseen.items():
            yield Existing(state=State.UNSEEN, detail=error, urn=urn, type=type_of(urn), name=name_of(urn), id=None)


def created(digest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What of Azure would be created and can be asked for by now: its path is known."""
    for step in digest["steps"]:
        state = step.get("newState", {})
        inputs = state.get("inputs", {})
        known = {name: value for name, value in inputs.items() if name.endswith(("Name", "Type")) or name == "name"}
        if step["op"] == "create" and state.get("type", "").startswith(AZURE) and UNKNOWN not in known.values():
            yield step["urn"], {"type": state["type"], "inputs": known}


def judged(urn: str, id: str, step: Mapping[str, Any]) -> Existing:
    operation = step["op"]
    fine = operation in HARMLESS
    reasons = ", ".join(step.get("replaceReasons") or step.get("diffReasons") or ())
    detail = "" if fine else f"the next up would {operation} it ({reasons}): let the stack file say what is there"
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
    for setting in step.get("diffReasons") or ():
        yield Change(setting=setting, now=shown(now.get(setting)), then=shown(then.get(setting)))


def shown(value: object) -> str:
    """Short, for a table: the addresses of a list of records, and JSON of anything deeper."""
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(shown(next(iter(one.values())) if single(one) else one) for one in value) or "nothing"
    return value if isinstance(value, str) else json.dumps(value)


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
