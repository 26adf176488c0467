"""The plan behind a preview: which addresses, settings and servers change for clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from operations.review.preview import Preview, PreviewStep, is_unknown, parse_object
from operations.review.record_sets import RecordSetChange, RecordSetReader
from operations.review.resources import COMMAND, INTERFACE, MACHINE, server_key
from operations.review.setting_changes import SettingChange, find_setting_changes, read_document
from stacks.arguments import PROJECT


@dataclass(frozen=True, kw_only=True)
class PlannedServer:
    """`serving`: in rotation before the run, or not known to be out of it; `created`: by this run."""

    key: str
    serving: bool = True
    created: bool = False
    machine: PreviewStep | None = None


@dataclass(frozen=True)
class Plan:
    preview: Preview
    _parts: dict[str, list[PreviewStep]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for step in self.preview.changes:
            if key := server_key(step):
                self._parts[key].append(step)

    @cached_property
    def record_sets(self) -> list[RecordSetChange]:
        return RecordSetReader(self.preview, self._parts).read()

    @cached_property
    def setting_changes(self) -> list[SettingChange]:
        """Settings that the run would change on servers, by server and name."""
        return [
            change
            for key, parts in sorted(self._parts.items())
            for step in parts
            if step.type == COMMAND and step.after
            for change in find_setting_changes(key, step)
        ]

    @cached_property
    def servers(self) -> dict[str, PlannedServer]:
        keys = {*self._parts, *self._deployed, *self.configured}
        return {key: self._build_server(key) for key in sorted(keys)}

    @cached_property
    def configured(self) -> Mapping[str, Mapping[str, Any]]:
        """The servers of the stack file, by key."""
        return keep_objects(parse_object(self.preview.config.get(f"{PROJECT}:servers")))

    @cached_property
    def _deployed(self) -> Mapping[str, Mapping[str, Any]]:
        """The servers in the outputs of the last run, by key."""
        return keep_objects(self.preview.outputs.get("servers"))

    @cached_property
    def owners(self) -> dict[str, str]:
        """Address -> key of the server that has it."""
        return {address: key for key in self.servers for address in self._addresses_of(key)}

    def computer_name(self, key: str) -> str:
        """In lower case; "" if it is not known."""
        row = {**self._deployed.get(key, {}), **self.configured.get(key, {})}
        return str(row.get("computerName") or "").lower()

    def _build_server(self, key: str) -> PlannedServer:
        parts = self._parts.get(key, [])
        machine = next((part for part in parts if part.type == MACHINE), None)
        # A new command does not make a server new: it may be an existing one.
        new = [part for part in parts if part.operation == "create" and part.type in (MACHINE, INTERFACE)]
        rebuilt = machine is not None and machine.operation == "replace"
        return PlannedServer(key=key, serving=self._is_serving(key), created=bool(new) or rebuilt, machine=machine)

    def _is_serving(self, key: str) -> bool:
        """True unless the last outputs or the rotation command say that it is out of rotation (decision 0011)."""
        if any(address in (row.before or ()) for row in self.record_sets for address in self._addresses_of(key)):
            return True
        documents = [read_document(part.before) for part in self._parts.get(key, []) if part.type == COMMAND]
        sources = [self._deployed.get(key, {}), *documents]
        known = [value for source in sources if isinstance(value := source.get("inRotation"), bool)]
        return any(known) or not known

    def _addresses_of(self, key: str) -> set[str]:
        rows = (self._deployed.get(key, {}), self.configured.get(key, {}))
        given = {row.get(name) for row in rows for name in ("address", "publicAddress", "externalAddress")}
        for part in self._parts.get(key, []):
            for inputs in (part.before, part.after) if part.type == INTERFACE else ():
                given |= {entry.get("privateIPAddress") for entry in inputs.get("ipConfigurations") or ()}
        return {address for address in given if isinstance(address, str) and not is_unknown(address)}


def keep_objects(servers: object) -> Mapping[str, Mapping[str, Any]]:
    found = servers if isinstance(servers, Mapping) else {}
    return {key: row for key, row in found.items() if isinstance(row, Mapping)}
