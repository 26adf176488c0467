"""A finished plan: what was registered, and who waits for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tests.plan.recorder import STACK, Call, Log, Registration


class Plan:
    """All registrations of one run, the stack's outputs, the calls of providers, and what was said to people."""

    def __init__(
        self,
        registrations: Mapping[str, Registration],
        outputs: Mapping[str, Mapping[str, Any]],
        calls: Sequence[Call],
        log: Log,
    ) -> None:
        (root,) = (urn for urn, found in registrations.items() if found.type == STACK)
        self.stack = root.split(":")[2]
        self.resources = {urn: found for urn, found in registrations.items() if urn != root}
        self.outputs = outputs[root]
        self.component_outputs = {urn: found for urn, found in outputs.items() if urn != root}
        self.calls, self.log = calls, log

    def of(self, kind: str) -> dict[str, Registration]:
        """Name -> each resource whose type ends with `kind`, such as VirtualMachine or remote:Command."""
        found = [one for one in self.resources.values() if one.type.endswith(f":{kind}")]
        return {one.name: one for one in found}

    def one(self, name: str, kind: str = "") -> Registration:
        """The resource of this name; `kind` tells those of one name apart. Raises KeyError unless there is one."""
        found = [one for one in self.resources.values() if one.name == name and one.type.endswith(kind)]
        if len(found) != 1:
            raise KeyError(f"{name} {kind}: {len(found)} resources")
        return found[0]

    def label(self, urn: str) -> str:
        """The name, with the type's last part where others have the same name."""
        one = self.resources[urn]
        kind = one.type.rpartition(":")[2]
        return f"{one.name} ({kind})" if self._names[one.name] > 1 else one.name

    @cached_property
    def _names(self) -> dict[str, int]:
        names = [one.name for one in self.resources.values()]
        return {name: names.count(name) for name in names}

    @cached_property
    def _earlier(self) -> dict[str, frozenset[str]]:
        """URN -> all that must be there before: what it depends on, its parent, and so on."""
        found: dict[str, frozenset[str]] = {}

        def before(urn: str, way: tuple[str, ...]) -> frozenset[str]:
            if urn in way:
                raise ValueError(f"a cycle: {' -> '.join((*way, urn))}")
            if urn not in found:
                steps = {step for step in self.directly(urn) if step in self.resources}
                found[urn] = frozenset(steps).union(*(before(step, (*way, urn)) for step in steps))
            return found[urn]

        for urn in self.resources:
            before(urn, ())
        return found

    def directly(self, urn: str) -> set[str]:
        one = self.resources[urn]
        return {*one.dependencies, one.parent}

    def waits(self, later: Registration, earlier: Registration) -> bool:
        """Whether `later` is made only when `earlier` is, whatever lies between them; deletion goes the other way."""
        return earlier.urn in self._earlier[later.urn]

    def waits_for(self, later: Registration) -> set[str]:
        """The labels of all that `later` waits for."""
        return {self.label(urn) for urn in self._earlier[later.urn]}

    def after(self, later: Registration) -> list[str]:
        """The labels of what it waits for itself: neither its parent, nor what one of the others waits for."""
        steps = later.dependencies & self.resources.keys()
        implied = frozenset[str]().union(*(self._earlier[step] for step in steps))
        return sorted(self.label(step) for step in steps - implied - {later.parent})
