"""What azure-native sends to Azure, what Azure answers, and what a preview promises."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from rehearsal.stand_ins.provider.values import UNKNOWN

from .defaults import RANDOMLY_NAMED
from .resource_types import ResourceType
from .schema import read_schema
from .store import Json, Resource


def build_put_body(kind: ResourceType, inputs: Json) -> Json:
    """The body of a request: without path parameters and azure-native's own notes."""
    return {
        key: value for key, value in inputs.items() if key not in (*kind.parameters, RANDOMLY_NAMED, "azureApiVersion")
    }


def build_put_answer(
    kind: ResourceType, id: str, parameters: Mapping[str, str], inputs: Json, old: Resource | None
) -> Json:
    """The body of Azure's answer to a PUT: the inputs without write-only ones, and what Azure adds to any resource."""
    body = _without(copy.deepcopy(inputs), kind.write_only)
    created_once = {"resourceGuid": str(uuid4()), "uniqueIdentifier": str(uuid4())}
    return body | {
        "id": old.id if old else id,
        "name": parameters[kind.name_parameter],
        "type": kind.arm_type(parameters),
        "provisioningState": "Succeeded",
        "etag": f'W/"{uuid4()}"',
        "azureApiVersion": kind.api_version,
        **{name: old.body.get(name, new) if old else new for name, new in created_once.items()},
    }


def select_outputs(kind: ResourceType, body: Json) -> Json:
    """The part of a body that azure-native knows as outputs of the type."""
    return select(body, read_schema(kind.type).outputs | {"id"})


def drop_id(body: Json) -> Json:
    """The engine keeps the id apart from the outputs."""
    return {key: value for key, value in body.items() if key != "id"}


def predict_outputs(kind: ResourceType, inputs: Json) -> Json:
    """The outputs in a preview: inputs that are outputs too; all others are unknown."""
    outputs = dict.fromkeys(read_schema(kind.type).outputs, UNKNOWN) | select(inputs, read_schema(kind.type).outputs)
    if (inputs.get("identity") or {}).get("userAssignedIdentities"):
        outputs["identity"] = UNKNOWN  # a list as input and a map as output: an echo breaks the SDK
    return outputs


def select(bag: Mapping[str, Any], names: Iterable[str]) -> Json:
    wanted = set(names)
    return {key: value for key, value in bag.items() if key in wanted}


def _without(body: Json, paths: tuple[str, ...]) -> Json:
    for path in paths:
        *parents, last = path.split(".")
        container: Any = body
        for parent in parents:
            container = container.get(parent) or {}
        container.pop(last, None)
    return body
