"""A lab's state as Pulumi exports it, and the reasons in it to refuse `lab up` or `lab down`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.labs.names import LAB, OWNER, Lab, is_expired

GROUP = "azure-native:resources:ResourceGroup"
PROVIDER = "pulumi:providers:azure-native"
ZONES = ("azure-native:dns:Zone", "azure-native:privatedns:PrivateZone")
RECORD_SETS = ("azure-native:dns:RecordSet", "azure-native:privatedns:PrivateRecordSet")


@dataclass(frozen=True, kw_only=True)
class LabResource:
    """`id` is empty where a kill interrupted the creation; `is_adopted`: read or imported, not created."""

    urn: str
    type: str
    id: str
    inputs: Mapping[str, Any]
    is_protected: bool
    is_adopted: bool

    @property
    def tags(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in (self.inputs.get("tags") or {}).items()}

    @property
    def zone(self) -> str:
        """The name of a zone, or of a record set's zone."""
        return str(self.inputs.get("privateZoneName") or self.inputs.get("zoneName") or read_zone_name(self.id)).lower()


@dataclass(frozen=True, kw_only=True)
class LabState:
    resources: tuple[LabResource, ...] = ()

    @property
    def group(self) -> LabResource | None:
        return next(self.of_type(GROUP), None)

    @property
    def provider(self) -> dict[str, str]:
        """azure-native's configuration without secrets, which an export holds as objects."""
        inputs = next((row.inputs for row in self.of_type(PROVIDER)), {})
        return {key: value for key, value in inputs.items() if isinstance(value, str)}

    def of_type(self, *types: str) -> Iterator[LabResource]:
        return (row for row in self.resources if row.type in types)


def parse_state(export: Mapping[str, Any]) -> LabState:
    """From the answer of `pulumi stack export`, with the resources whose creation was interrupted."""
    deployment = export.get("deployment") or {}
    pending = [operation["resource"] for operation in deployment.get("pending_operations") or []]
    return LabState(
        resources=tuple(
            LabResource(
                urn=row["urn"],
                type=row["type"],
                id=row.get("id") or "",
                inputs=row.get("inputs") or {},
                is_protected=bool(row.get("protect")),
                is_adopted=bool(row.get("external") or row.get("importID")),
            )
            for row in [*(deployment.get("resources") or []), *pending]
        )
    )


def find_protection(state: LabState, config: Mapping[str, Any]) -> Iterator[str]:
    """`config` is the stack file's block, empty without a file."""
    rows = sorted({row.urn.rpartition("::")[2] for row in state.resources if row.is_protected})
    if rows or config.get("exchange-cas:protect") in (True, "true"):
        names = f" ({', '.join(rows)})" if rows else ""
        yield f"protect = True{names}: set protect: false and run pulumi up first."


def find_other_owner(tags: Iterable[Mapping[str, str]], owner: str, now: datetime) -> Iterator[str]:
    """`tags` from the stack file, the state and Azure. Everybody may take down an expired lab."""
    rows = list(tags)
    others = sorted({row[OWNER] for row in rows if OWNER in row} - {owner})
    if others and not any(is_expired(row, now) for row in rows):
        yield (
            f"tag {OWNER} = {', '.join(others)!r}, you are {owner!r}: ask them, or wait until the lab expires; "
            "if that is you under another name, write it with --owner or LAB_OWNER."
        )


def find_foreign_zones(
    state: LabState, lab: Lab, group: str, in_azure: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """Zones that the lab uses, or that lie in its resource group, and that its stack did not create.

    `in_azure` is id -> tags of the zones in the resource group.
    """
    names = {row.zone for row in state.of_type(*ZONES)}
    text = "zone {}: {} but the stack did not create it; first: {}."
    for row in state.of_type(*ZONES):
        if not is_created_here(row, lab, group):
            yield text.format(row.zone, "the stack holds it", f"pulumi state delete '{row.urn}'")
    for row in state.of_type(*RECORD_SETS):
        if row.zone not in names:
            remedy = f"pulumi destroy --target '{row.urn}' if the records are yours"
            yield text.format(row.zone, "the stack has record sets in it", remedy)
    for id, tags in in_azure.items():
        zone = read_zone_name(id).lower()
        # By its tag, a zone that the state has lost is still the lab's own.
        if zone not in names and tags.get(LAB) != lab.name:
            yield text.format(zone, f"{group} holds it", "move it to another resource group")


def is_created_here(zone: LabResource, lab: Lab, group: str) -> bool:
    is_inside = not zone.id or f"/resourcegroups/{group}/".lower() in zone.id.lower()
    return is_inside and not zone.is_adopted and zone.tags.get(LAB) == lab.name


def read_zone_name(id: str) -> str:
    return id.rpartition("/")[2]
