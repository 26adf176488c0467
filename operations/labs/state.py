"""What a lab's state says: its resource group, its zones, whose it is, and what was broken off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.labs.names import LAB, OWNER, Lab, expired

GROUP = "azure-native:resources:ResourceGroup"
ZONES = {"azure-native:dns:Zone": "zoneName", "azure-native:privatedns:PrivateZone": "privateZoneName"}
RECORD_SETS = {
    "azure-native:dns:RecordSet": "zoneName",
    "azure-native:privatedns:PrivateRecordSet": "privateZoneName",
}
PROVIDER = "pulumi:providers:azure-native"


@dataclass(frozen=True, kw_only=True)
class Held:
    """One resource as far as it matters here. `id` is empty for one whose making was broken off."""

    urn: str
    type: str
    id: str
    inputs: Mapping[str, Any]
    protect: bool
    # Read or imported, not made.
    found: bool

    @property
    def tags(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in (self.inputs.get("tags") or {}).items()}


@dataclass(frozen=True, kw_only=True)
class State:
    """`pending` says that a run was broken off in the middle of an operation."""

    resources: tuple[Held, ...] = ()
    pending: bool = False

    @property
    def group(self) -> Held | None:
        return next((row for row in self.resources if row.type == GROUP), None)

    def zones(self) -> list[Held]:
        return [row for row in self.resources if row.type in ZONES]

    def provider(self) -> dict[str, str]:
        """How azure-native was told to find Azure; secrets left out."""
        row = next((row for row in self.resources if row.type == PROVIDER), None)
        return {key: value for key, value in (row.inputs if row else {}).items() if isinstance(value, str)}


def read(deployment: Mapping[str, Any]) -> State:
    """From the answer of `pulumi stack export`."""
    inner = deployment.get("deployment") or {}
    pending = inner.get("pending_operations") or []
    rows = [*(inner.get("resources") or []), *(operation["resource"] for operation in pending)]
    return State(resources=tuple(held(row) for row in rows), pending=bool(pending))


def held(row: Mapping[str, Any]) -> Held:
    return Held(
        urn=row["urn"],
        type=row["type"],
        id=row.get("id") or "",
        inputs=row.get("inputs") or {},
        protect=bool(row.get("protect")),
        found=bool(row.get("external") or row.get("importID")),
    )


def protected(state: State, config: Mapping[str, Any]) -> Iterator[str]:
    """`config` is the stack file's, empty where there is none."""
    rows = [row.urn.rpartition("::")[2] for row in state.resources if row.protect]
    if rows or config.get("exchange-cas:protect") in (True, "true"):
        what = f" ({', '.join(sorted(set(rows)))})" if rows else ""
        yield f"protect = True{what}: set protect: false and run pulumi up first."


def foreign_owner(known: Iterable[Mapping[str, str]], me: str, now: datetime) -> Iterator[str]:
    """`known` are the tags wherever they are written; a lab whose time is over may be taken down by anyone."""
    tags = [dict(row) for row in known]
    owners = {row[OWNER] for row in tags if OWNER in row} - {me}
    if owners and not any(expired(row, now) for row in tags):
        yield (
            f"tag {OWNER} = {', '.join(sorted(owners))!r}, you are {me!r}: ask them, or wait until it expires; "
            f"--owner NAME (LAB_OWNER) says who you are."
        )


def foreign_zones(state: State, lab: Lab, group: str, in_azure: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """`in_azure` is id -> tags of the zones that the resource group holds now."""
    held = {name_of(row) for row in state.zones()}
    for row in state.zones():
        if not is_own(row, lab, group):
            yield refusal(name_of(row), "the stack holds it but did not make it", f"pulumi state delete '{row.urn}'")
    for row in state.resources:
        zone = str(row.inputs.get(RECORD_SETS.get(row.type, ""), "")).lower()
        if zone and zone not in held:
            remedy = f"pulumi destroy --target '{row.urn}' if the records are yours"
            yield refusal(zone, "it is another's, with record sets of the stack in it", remedy)
    for id, tags in in_azure.items():
        name = id.rpartition("/")[2].lower()
        # One that the state has lost is known by its tag, as the resource group is.
        if name not in held and tags.get(LAB) != lab.name:
            yield refusal(name, f"{group} holds it and the stack did not make it", "move it to another resource group")


def is_own(row: Held, lab: Lab, group: str) -> bool:
    there = f"/resourcegroups/{group}/".lower() in row.id.lower() or not row.id
    return not row.found and there and row.tags.get(LAB) == lab.name


def name_of(row: Held) -> str:
    return str(row.inputs.get(ZONES[row.type], "") or row.id.rpartition("/")[2]).lower()


def refusal(zone: str, why: str, remedy: str) -> str:
    return f"zone {zone}: {why}; first: {remedy}."
