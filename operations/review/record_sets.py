"""The A records of each name before and after the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from operations.review.preview import AFTER_THE_RUN, Preview, PreviewStep, format_value, is_unknown
from operations.review.resources import PUBLIC_ADDRESS, RECORD_SETS, ZONE_NAME, ZONES

# Properties that may give a public address a new IP address without a replacement.
MOVING = {"ipAddress", "publicIPAllocationMethod", "publicIPPrefix"}

Addresses = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RecordSetChange:
    """The addresses of one name; `before` or `after` is None if the name has no record set then.

    `side`: "inside" (private zone) or "outside" (public zone); TTLs are in seconds.
    An unknown address is AFTER_THE_RUN; `certain` is False if even their number is unknown.
    `awaited`: keys of the servers whose addresses are unknown.
    """

    name: str
    side: str
    before: Addresses | None = None
    after: Addresses | None = None
    ttl_before: object = None
    ttl_after: object = None
    certain: bool = True
    replaced: bool = False
    awaited: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.name} ({self.side})"

    @property
    def leaving(self) -> list[str]:
        """Addresses that clients get now and would no longer get, as far as the preview shows."""
        return [address for address in self.before or () if address not in (self.after or ())]

    @property
    def entering(self) -> list[str]:
        return [address for address in self.after or () if address not in (self.before or ())]

    def find_unknown(self) -> str:
        """What is unknown so that the change cannot be judged, or "". Addresses that only come in may be unknown."""
        is_changed = self.before and (self.leaving or not self.certain)
        if not self.certain or (is_changed and AFTER_THE_RUN in (self.after or ())):
            return "The addresses are known only after the run"
        if AFTER_THE_RUN in self.name:
            return "The name is known only after the run"
        if self.ttl_after == AFTER_THE_RUN:
            return "The TTL is known only after the run"
        return "" if self.ttl_after is None or is_number(self.ttl_after) else "The TTL in the preview is not a number"


@dataclass(frozen=True)
class RecordSetReader:
    """`server_parts`: the changed resources of each server, by its key."""

    preview: Preview
    server_parts: Mapping[str, Sequence[PreviewStep]]

    def read(self) -> list[RecordSetChange]:
        found: dict[tuple[str, str], RecordSetChange] = {}
        for step in self.preview.changes:
            for row in self._read_step(step):
                known = found.get((row.side, row.name))
                # A record set that moved within the program is deleted there and created here.
                found[row.side, row.name] = join_halves(known, row) if known else row
        return sorted(found.values(), key=lambda row: (row.side, row.name))

    def _read_step(self, step: PreviewStep) -> Iterator[RecordSetChange]:
        side = RECORD_SETS.get(step.type)
        if not side:
            return
        old = self._read_half(step, side, step.before, is_after=False) if has_addresses(step.before) else None
        new = self._read_half(step, side, step.after, is_after=True) if has_addresses(step.after) else None
        if old and new and old.name == new.name:
            replaced = step.operation == "replace"
            yield replace(new, before=old.after, ttl_before=old.ttl_after, replaced=replaced)
            return
        if old:
            yield RecordSetChange(name=old.name, side=side, before=old.after, ttl_before=old.ttl_after)
        if new:
            yield new

    def _read_half(self, step: PreviewStep, side: str, inputs: Mapping[str, Any], *, is_after: bool) -> RecordSetChange:
        """One half of a step, as if the record set were created."""
        zone = inputs.get(ZONE_NAME[side])
        if zone is None or is_unknown(zone):
            zone = self._find_zone(step, side)
        given = inputs.get("aRecords") or []
        # Before the run, clients get what the provider read last, not what was once requested.
        given = given if is_after else step.outputs.get("aRecords") or given
        certain = isinstance(given, list)
        addresses = [read_address(record) for record in given] if certain else [AFTER_THE_RUN]
        awaited: list[str] = []
        if is_after and AFTER_THE_RUN in addresses and certain:
            addresses, awaited = self._resolve_addresses(step, addresses)
        label = inputs.get("relativeRecordSetName")
        return RecordSetChange(
            name=f"{format_value(label)}.{zone}" if label != "@" else str(zone),
            side=side,
            after=tuple(addresses),
            ttl_after=AFTER_THE_RUN if is_unknown(inputs.get("ttl")) else inputs.get("ttl"),
            certain=certain,
            awaited=tuple(awaited),
        )

    def _find_zone(self, step: PreviewStep, side: str) -> str:
        """The name of a zone that this run creates is unknown in the record set; the zone's own step has it."""
        sources = step.needs.get(ZONE_NAME[side]) or ()
        zones = [other for other in self.preview.steps if ZONES.get(other.type) == side and other.after]
        for zone in sorted(zones, key=lambda other: other.urn not in sources):
            return format_value(zone.after.get(ZONE_NAME[side]))
        return AFTER_THE_RUN

    def _resolve_addresses(self, step: PreviewStep, addresses: list[str]) -> tuple[list[str], list[str]]:
        """The addresses with unknown ones replaced where possible, and the servers of those that stay unknown.

        The provider calls every public address that changes unknown. One that is only updated keeps its IP address,
        because it is Static. Nothing is replaced unless each unknown address has a source. Events contain no
        dependencies: there, all changed public addresses of servers are sources.
        """
        needed = step.needs.get("aRecords")
        sources = [
            (key, part)
            for key, parts in sorted(self.server_parts.items())
            for part in parts
            if part.type == PUBLIC_ADDRESS and part.after and (needed is None or part.urn in needed)
        ]
        if len(sources) != addresses.count(AFTER_THE_RUN):
            return addresses, [key for key, part in sources if part.is_new]
        following = iter(sources)
        found, awaited = [], []
        for address in addresses:
            if address != AFTER_THE_RUN:
                found.append(address)
                continue
            key, part = next(following)
            kept = not part.is_new and not MOVING & set(part.changed) and part.outputs.get("ipAddress")
            found.append(kept or address)
            awaited += [] if kept else [key]
        return found, awaited


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float)


def has_addresses(inputs: Mapping[str, Any]) -> bool:
    """Whether one half of a step is a record set of type A: the type may change."""
    return bool(inputs) and inputs.get("recordType", "A") == "A"


def read_address(record: object) -> str:
    return format_value(record.get("ipv4Address")) if isinstance(record, Mapping) else AFTER_THE_RUN


def join_halves(one: RecordSetChange, other: RecordSetChange) -> RecordSetChange:
    old, new = (one, other) if one.before is not None and other.after is not None else (other, one)
    return replace(new, before=old.before, ttl_before=old.ttl_before) if new.before is None else new
