"""What Azure answers to a PUT, as far as it is the same for all types."""

import copy
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from .resource_types import ResourceType
from .schema import schema_of
from .store import Resource
from .wire import Json


def answer(kind: ResourceType, id: str, parameters: Mapping[str, str], inputs: Json, old: Resource | None) -> Json:
    """The inputs without what is write-only, and what Azure adds to any resource."""
    body = _without(copy.deepcopy(inputs), kind.write_only)
    made_once = {"resourceGuid": str(uuid4()), "uniqueIdentifier": str(uuid4())}
    return body | {
        "id": old.id if old else id,
        "name": parameters[kind.name_parameter],
        "type": kind.arm_type(parameters),
        "provisioningState": "Succeeded",
        "etag": f'W/"{uuid4()}"',
        "azureApiVersion": kind.api_version,
        **{name: old.body.get(name, new) if old else new for name, new in made_once.items()},
    }


def public_part(kind: ResourceType, body: Json) -> Json:
    """What azure-native knows as outputs of the type."""
    outputs = schema_of(kind.type).outputs | {"id"}
    return {name: value for name, value in body.items() if name in outputs}


def _without(body: Json, paths: tuple[str, ...]) -> Json:
    for path in paths:
        *parents, last = path.split(".")
        container: Any = body
        for parent in parents:
            container = container.get(parent) or {}
        container.pop(last, None)
    return body
