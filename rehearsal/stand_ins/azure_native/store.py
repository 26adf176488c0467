"""The resources of the subscription, and the readable file that keeps them."""

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]  # an object of JSON, such as the body of a request


@dataclass(kw_only=True)
class Resource:
    """One Azure resource. type: azure-native's name, empty for an unsupported one (an image).
    body: what a GET returns. hidden: what Azure knows and a plain GET does not return."""

    id: str
    type: str
    body: Json
    hidden: Json = field(default_factory=dict)

    @property
    def location(self) -> str | None:
        location = self.body.get("location")
        return normalise_location(location) if location else None


def normalise_location(location: str) -> str:
    """`West Europe` as Azure compares it: `westeurope`."""
    return location.replace(" ", "").lower()


def find_references(value: Any) -> Iterator[str]:
    """Every ARM id in a body, as a value or as a key."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from find_references(key)
            yield from find_references(item)
    elif isinstance(value, list):
        for item in value:
            yield from find_references(item)
    elif isinstance(value, str) and value.startswith("/subscriptions/"):
        yield value


class Store:
    """Resources by ARM id in any letter case. Not thread-safe: the owner locks."""

    def __init__(self, path: Path) -> None:
        """Load what `path` holds, if it exists."""
        self._path = path
        kept = json.loads(path.read_text()) if path.exists() else {"resources": []}
        self._resources = {entry["id"].lower(): Resource(**entry) for entry in kept["resources"]}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources.values())

    def get(self, id: str) -> Resource | None:
        return self._resources.get(id.lower())

    def add(self, resource: Resource) -> None:
        self._resources[resource.id.lower()] = resource

    def remove(self, id: str) -> None:
        self._resources.pop(id.lower(), None)

    def of_type(self, token: str) -> list[Resource]:
        return [resource for resource in self if resource.type == token]

    def at_or_below(self, id: str) -> list[Resource]:
        root = id.lower()
        return [entry for key, entry in self._resources.items() if key == root or key.startswith(f"{root}/")]

    def referring_to(self, id: str) -> list[Resource]:
        """Resources whose body names this id, without the children of the id."""
        wanted = id.lower()
        return [
            entry
            for key, entry in self._resources.items()
            if not f"{key}/".startswith(f"{wanted}/")
            and any(name.lower() == wanted for name in find_references(entry.body))
        ]

    def save(self) -> None:
        """Replace the file in one step; only its owner may read it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"resources": [asdict(resource) for resource in self]}, indent=2)
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(self._path)
