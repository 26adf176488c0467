"""One PUT of a resource, for the rules of its type."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import ArmError
from .resource_types import ResourceType
from .store import Json, Resource, Store


@dataclass(kw_only=True)
class Put:
    """parameters: of the path. inputs: the request's body. old: the present resource, None for a new one.
    body and hidden become the resource; rules fill in what Azure adds."""

    kind: ResourceType
    id: str
    parameters: dict[str, str]
    inputs: Json
    old: Resource | None
    store: Store
    body: Json
    hidden: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.parameters[self.kind.name_parameter]

    @property
    def parent_id(self) -> str:
        """The id without its last type and name."""
        return self.id.rsplit("/", 2)[0]

    def value(self, path: str) -> Any:
        """The input at a dotted path, None if any part of it is missing."""
        return value_at(self.inputs, path)

    def keep(self, name: str, new: Any) -> None:
        """Set an output that Azure chooses at creation and never changes."""
        self.body[name] = self.old.body[name] if self.old and name in self.old.body else new

    def siblings(self) -> Iterator[Resource]:
        """Other resources of the same type under the same parent."""
        prefix = f"{self.parent_id}/".lower()
        for entry in self.store.of_type(self.kind.type):
            if entry.id.lower() != self.id.lower() and entry.id.lower().startswith(prefix):
                yield entry

    def refers_elsewhere(self, id: str, token: str) -> bool:
        """Whether another resource of type `token` already names this id."""
        return any(entry.type == token and entry.id.lower() != self.id.lower() for entry in self.store.referring_to(id))

    def require(self, *paths: str) -> None:
        """Refuse a request without these inputs: optional in the SDK, required by Azure."""
        for path in paths:
            if self.value(path) in (None, [], {}, ""):
                raise ArmError(400, "InvalidParameter", f"Required parameter '{path}' is missing (null).")

    def refuse_changes(self, *paths: str) -> None:
        """Refuse an update that changes what Azure fixes at creation."""
        for path in paths:
            if self.old and value_at(self.old.body, path) != value_at(self.body, path):
                raise ArmError(409, "PropertyChangeNotAllowed", f"Changing property '{path}' is not allowed.")


def value_at(body: Json, path: str) -> Any:
    """The value at a dotted path, None if any part of it is missing."""
    value: Any = body
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
