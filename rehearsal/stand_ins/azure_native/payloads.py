"""The property bags between azure-native and Azure: what goes into a request, what comes back, what a preview tells."""

from collections.abc import Iterable, Mapping
from typing import Any

from .defaults import RANDOMLY_NAMED
from .resource_types import ResourceType
from .schema import schema_of
from .wire import UNKNOWN, Json


def body_of(kind: ResourceType, inputs: Json) -> Json:
    """What goes into a request's body: the path parameters and azure-native's own notes do not."""
    return {
        key: value for key, value in inputs.items() if key not in (*kind.parameters, RANDOMLY_NAMED, "azureApiVersion")
    }


def foreseen(kind: ResourceType, inputs: Json) -> Json:
    """What a preview may promise: inputs that are outputs too; the rest is not known yet."""
    outputs = dict.fromkeys(schema_of(kind.type).outputs, UNKNOWN) | only(inputs, schema_of(kind.type).outputs)
    if (inputs.get("identity") or {}).get("userAssignedIdentities"):
        outputs["identity"] = UNKNOWN  # a list going in and a map coming out: an echo breaks the SDK
    return outputs


def outputs_of(body: Json) -> Json:
    """The body without its id, which the engine keeps apart."""
    return {key: value for key, value in body.items() if key != "id"}


def only(bag: Mapping[str, Any], names: Iterable[str]) -> Json:
    """The part of a bag that has one of these names."""
    wanted = set(names)
    return {key: value for key, value in bag.items() if key in wanted}
