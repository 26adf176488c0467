"""What a preview means for clients: addresses behind names, settings of servers, servers that are made or lost."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from operations.review.preview import Preview, PreviewStep, is_unknown
from operations.review.setting_changes import SettingChange, changes_of, document
from operations.review.values import AFTER_THE_RUN, parsed, plain
from stacks.arguments import PROJECT

RECORD_SETS = {"azure-native:privatedns:PrivateRecordSet": "inside", "azure-native:dns:RecordSet": "outside"}
ZONES = {"azure-native:privatedns:PrivateZone": "inside", "azure-native:dns:Zone": "outside"}
ZONE_NAME = {"inside": "privateZoneName", "outside": "zoneName"}
MACHINE, INTERFACE = "azure-native:compute:VirtualMachine", "azure-native:network:NetworkInterface"
PUBLIC_ADDRESS = "azure-native:network:PublicIPAddress"
# Properties with which a public address may get another address in place.
MOVING = {"ipAddress", "publicIPAllocationMethod", "publicIPPrefix"}
COMMAND = "command:remote:Command"
# The parts of a server have its key in their names; the components they belong to are in their URNs.
OWN = re.compile(r"-(?P<key>[a-z0-9]+)-(vm|nic|ip|ssh|shutdown|scripts|rotation|namespace)$")
COMPONENTS = (":ClientAccessServer", ":ClientAccessNamespace")

Addresses = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Records:
    """A name's A records. `before` and `after` are None where the name has no record set, then or now.

    An address that only the run will tell is AFTER_THE_RUN; `certain` is False where not even their number is known.
    """

    name: str
    side: str
    before: Addresses | None = None
    after: Addresses | None = None
    ttl_before: object = None
    ttl_after: object = None
    certain: bool = True
    replaced: bool = False
    # Keys of the servers whose addresses are unknown yet.
    awaited: tuple[str, ...] = ()

    @property
    def gone(self) -> list[str]:
        """Addresses that clients get now and would not get any more, as far as the preview tells."""
        return [address for address in self.before or () if address not in (self.after or ())]

    @property
    def entering(self) -> list[str]:
        return [address for address in self.after or () if address not in (self.before or ())]


@dataclass(frozen=True, kw_only=True)
class PlannedServer:
    """`serving`: in rotation before the run, or not known to be out of it. `made`: by this run, as new."""

    key: str
    serving: bool = True
    made: bool = False
    machine: PreviewStep | None = None


@dataclass(frozen=True)
class Plan:
    preview: Preview
    _parts: dict[str, list[PreviewStep]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for step in self.preview.changes:
            if key := server_of(step):
                self._parts[key].append(step)

    @cached_property
    def records(self) -> list[Records]:
        found: dict[tuple[str, str], Records] = {}
        for step in self.preview.changes:
            for row in self._records_of(step):
                known = found.get((row.side, row.name))
                # A record set that changed its place in the program is deleted there and created here.
                found[row.side, row.name] = joined(known, row) if known else row
        return sorted(found.values(), key=lambda row: (row.side, row.name))

    def _records_of(self, step: PreviewStep) -> Iterator[Records]:
        side = RECORD_SETS.get(step.type)
        if not side:
            return
        replaced = step.operation == "replace"
        old = self._half(step, side, step.before, None) if has_addresses(step.before) else None
        new = self._half(step, side, step.after, step) if has_addresses(step.after) else None
        if old and new and old.name == new.name:
            yield replace(new, before=old.after, ttl_before=old.ttl_after, replaced=replaced)
            return
        if old:
            yield Records(name=old.name, side=side, before=old.after, ttl_before=old.ttl_after)
        if new:
            yield new

    def _half(self, step: PreviewStep, side: str, inputs: Mapping[str, Any], awaiting: PreviewStep | None) -> Records:
        """One half of a row, as if it were new."""
        zone = inputs.get(ZONE_NAME[side])
        if zone is None or is_unknown(zone):
            zone = self._zone(step, side)
        given = inputs.get("aRecords") or []
        # What the provider found out is nearer to what clients get than what was once asked for.
        given = given if awaiting else step.outputs.get("aRecords") or given
        certain = isinstance(given, list)
        addresses = [address_of(record) for record in given] if certain else [AFTER_THE_RUN]
        awaited: list[str] = []
        if awaiting and AFTER_THE_RUN in addresses and certain:
            addresses, awaited = self._awaited(awaiting, addresses)
        label = inputs.get("relativeRecordSetName")
        return Records(
            name=f"{plain(label)}.{zone}" if label != "@" else str(zone),
            side=side,
            after=tuple(addresses),
            ttl_after=AFTER_THE_RUN if is_unknown(inputs.get("ttl")) else inputs.get("ttl"),
            certain=certain,
            awaited=tuple(awaited),
        )

    def _zone(self, step: PreviewStep, side: str) -> str:
        """A zone that is made in the same run tells its name only afterwards; its own step knows it."""
        sources = step.needs.get(ZONE_NAME[side]) or ()
        zones = [other for other in self.preview.steps if ZONES.get(other.type) == side and other.after]
        for zone in sorted(zones, key=lambda other: other.urn not in sources):
            return plain(zone.after.get(ZONE_NAME[side]))
        return AFTER_THE_RUN

    def _awaited(self, step: PreviewStep, addresses: list[str]) -> tuple[list[str], list[str]]:
        """The addresses, and the servers whose address is not known yet, in the order of the addresses.

        The provider calls a public address unknown whenever it is touched. One that is only changed keeps its address:
        it is Static. Where not each unknown one has a source, nothing is taken for known. Events tell no
        dependencies; there, all public addresses of servers that the run touches are sources.
        """
        needed = step.needs.get("aRecords")
        sources = [
            (key, part)
            for key, parts in sorted(self._parts.items())
            for part in parts
            if part.type == PUBLIC_ADDRESS and part.after and (needed is None or part.urn in needed)
        ]
        if len(sources) != addresses.count(AFTER_THE_RUN):
            return addresses, [key for key, part in sources if made_anew(part)]
        following = iter(sources)
        found, awaited = [], []
        for address in addresses:
            key, part = next(following) if address == AFTER_THE_RUN else ("", None)
            kept = part and not made_anew(part) and not MOVING & set(part.changed) and part.outputs.get("ipAddress")
            found.append(kept or address)
            if part and not kept:
                awaited.append(key)
        return found, awaited

    @cached_property
    def servers(self) -> dict[str, PlannedServer]:
        keys = {*self._parts, *self._described, *self.configured}
        return {key: self._server(key) for key in sorted(keys)}

    def _server(self, key: str) -> PlannedServer:
        parts = self._parts.get(key, [])
        machine = next((part for part in parts if part.type == MACHINE), None)
        # A command alone is new for a server that exists.
        new = [part for part in parts if part.operation == "create" and part.type in (MACHINE, INTERFACE)]
        rebuilt = machine is not None and machine.operation == "replace"
        return PlannedServer(key=key, serving=self._serving(key), made=bool(new) or rebuilt, machine=machine)

    def _serving(self, key: str) -> bool:
        """Never taken for out of rotation without a witness: the outputs of the last run, or its own command."""
        if any(address in (row.before or ()) for row in self.records for address in self._addresses_of(key)):
            return True
        witnesses = [self._described[key].get("inRotation")] if key in self._described else []
        witnesses += [
            document(part.before).get("inRotation") for part in self._parts.get(key, []) if part.type == COMMAND
        ]
        known = [witness for witness in witnesses if isinstance(witness, bool)]
        return any(known) or not known

    def _addresses_of(self, key: str) -> set[str]:
        rows = (self._described.get(key, {}), self.configured.get(key, {}))
        given = {row.get(name) for row in rows for name in ("address", "publicAddress", "externalAddress")}
        for part in self._parts.get(key, []):
            for inputs in (part.before, part.after) if part.type == INTERFACE else ():
                given |= {entry.get("privateIPAddress") for entry in inputs.get("ipConfigurations") or ()}
        return {address for address in given if isinstance(address, str) and not is_unknown(address)}

    @cached_property
    def owner(self) -> dict[str, str]:
        """Address -> key of the server that has it."""
        return {address: key for key in self.servers for address in self._addresses_of(key)}

    @cached_property
    def _described(self) -> Mapping[str, Mapping[str, Any]]:
        return rows(self.preview.outputs.get("servers"))

    def computer_name(self, key: str) -> str:
        """In lower case; empty where nothing tells it."""
        row = {**self._described.get(key, {}), **self.configured.get(key, {})}
        return str(row.get("computerName") or "").lower()

    @cached_property
    def configured(self) -> Mapping[str, Mapping[str, Any]]:
        """The servers of the stack file, by key."""
        return rows(parsed(self.preview.config.get(f"{PROJECT}:servers")))

    @cached_property
    def changes(self) -> list[SettingChange]:
        """Settings that a run would change on servers, by server and name."""
        return [
            change
            for key, parts in sorted(self._parts.items())
            for step in parts
            if step.type == COMMAND and step.after
            for change in changes_of(key, step)
        ]


def rows(servers: object) -> Mapping[str, Mapping[str, Any]]:
    found = servers if isinstance(servers, Mapping) else {}
    return {key: row for key, row in found.items() if isinstance(row, Mapping)}


def made_anew(step: PreviewStep) -> bool:
    return step.operation in ("create", "replace")


def has_addresses(inputs: Mapping[str, Any]) -> bool:
    """Of either half by itself: a record set of addresses may become an alias."""
    return bool(inputs) and inputs.get("recordType", "A") == "A"


def address_of(record: object) -> str:
    return plain(record.get("ipv4Address")) if isinstance(record, Mapping) else AFTER_THE_RUN


def server_of(step: PreviewStep) -> str | None:
    """The key of the server that a step belongs to; a virtual machine of another making is a server of its own."""
    if any(component in step.urn for component in COMPONENTS) and (found := OWN.search(step.name)):
        return found["key"]
    return step.name if step.type == MACHINE else None


def joined(one: Records, other: Records) -> Records:
    old, new = (one, other) if one.before is not None and other.after is not None else (other, one)
    return replace(new, before=old.before, ttl_before=old.ttl_before) if new.before is None else new
