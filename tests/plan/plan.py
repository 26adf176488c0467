"""A finished plan: what was registered, and which resource waits for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tests.plan.recorder import STACK, ProviderCall, RecordedLog, Registration


class RecordedPlan:
    """All registrations of one run, the outputs, the calls of provider functions, and the log."""

    def __init__(
        self,
        registrations: Mapping[str, Registration],
        outputs: Mapping[str, Mapping[str, Any]],
        calls: Sequence[ProviderCall],
        log: RecordedLog,
    ) -> None:
        (root,) = (urn for urn, found in registrations.items() if found.type == STACK)
        self.stack = root.split(":")[2]
        self.resources = {urn: found for urn, found in registrations.items() if urn != root}
        self.outputs = outputs[root]
        self.component_outputs = {urn: found for urn, found in outputs.items() if urn != root}
        self.calls, self.log = calls, log

    def of_type(self, kind: str) -> dict[str, Registration]:
        """Name -> each resource whose type ends with `kind`, such as VirtualMachine or remote:Command."""
        found = [one for one in self.resources.values() if one.type.endswith(f":{kind}")]
        return {one.name: one for one in found}

    def find(self, name: str, kind: str = "") -> Registration:
        """The resource of this name; `kind` chooses between several. Raises KeyError unless one matches."""
        found = [one for one in self.resources.values() if one.name == name and one.type.endswith(kind)]
        if len(found) != 1:
            raise KeyError(f"{name} {kind}: {len(found)} resources")
        return found[0]

    def label(self, urn: str) -> str:
        """The name, with the last part of the type if another resource has the same name."""
        one = self.resources[urn]
        kind = one.type.rpartition(":")[2]
        return f"{one.name} ({kind})" if self._names[one.name] > 1 else one.name

    @cached_property
    def _names(self) -> dict[str, int]:
        names = [one.name for one in self.resources.values()]
        return {name: names.count(name) for name in names}

    @cached_property
    def _earlier(self) -> dict[str, frozenset[str]]:
        """URN -> everything that must exist before it: its dependencies, its parent, theirs, and so on."""
        found: dict[str, frozenset[str]] = {}

        def before(urn: str, path: tuple[str, ...]) -> frozenset[str]:
            if urn in path:
                raise ValueError(f"a cycle: {' -> '.join((*path, urn))}")
            if urn not in found:
                steps = {step for step in self.directly(urn) if step in self.resources}
                found[urn] = frozenset(steps).union(*(before(step, (*path, urn)) for step in steps))
            return found[urn]

        for urn in self.resources:
            before(urn, ())
        return found

    def directly(self, urn: str) -> set[str]:
        one = self.resources[urn]
        return {*one.dependencies, one.parent}

    def waits_for(self, later: Registration, earlier: Registration) -> bool:
        """Whether `later` is created after `earlier`, directly or not; deletion runs in the reverse order."""
        return earlier.urn in self._earlier[later.urn]

    def all_dependencies(self, later: Registration) -> set[str]:
        """The labels of everything that `later` waits for."""
        return {self.label(urn) for urn in self._earlier[later.urn]}

    def nearest_dependencies(self, later: Registration) -> list[str]:
        """The labels of its dependencies, without its parent and those that another dependency waits for."""
        steps = later.dependencies & self.resources.keys()
        implied = frozenset[str]().union(*(self._earlier[step] for step in steps))
        return sorted(self.label(step) for step in steps - implied - {later.parent})
