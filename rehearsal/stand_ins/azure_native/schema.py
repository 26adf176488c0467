"""What azure-native's Python SDK knows of a resource type: inputs, their types, which are required, and outputs.

The module of a type is imported when the type is first used: importing the whole SDK takes seconds and gigabytes.
"""

import inspect
import re
import sys
import threading
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, Union, get_args, get_origin

from pulumi import _types
from pulumi.runtime.proto.provider_pb2 import CheckFailure

from rehearsal.stand_ins.provider.values import UNKNOWN

from .store import Json

# Enumerations of the specification that lack newer values of Azure; `rules` checks these inputs instead.
_OPEN_ENUMERATIONS = frozenset({"VirtualMachineSizeTypes"})
_GROUP_NAME = re.compile(r"[-\w.()]{1,90}(?<!\.)", re.ASCII)
_IMPORTING = threading.Lock()  # the SDK's modules import each other in circles, which two threads cannot do at once


@dataclass(frozen=True, kw_only=True)
class Schema:
    """inputs: SDK name to annotated type. required: the inputs without default. outputs: all output names but `id`."""

    inputs: Mapping[str, Any]
    required: frozenset[str]
    outputs: frozenset[str]


@cache
def read_schema(token: str) -> Schema:
    """The schema of `<module>:<Class>`, read from the installed SDK."""
    module_name, class_name = token.split(":")
    with _IMPORTING:
        resource = getattr(import_module(f"pulumi_azure_native.{module_name}"), class_name)
    arguments_name, _ = sys.modules[resource.__module__].__all__  # "SubnetArgs" is a nested type: see SubnetInitArgs
    arguments = getattr(sys.modules[resource.__module__], arguments_name)
    return Schema(
        inputs=_types.input_type_types(arguments),
        required=_required(arguments),
        outputs=frozenset(_types.resource_types(resource)),
    )


def check_resource_inputs(token: str, inputs: Json) -> list[CheckFailure]:
    """Everything in `inputs` that the SDK's types or the REST specification refuse; unknown values are accepted."""
    schema = read_schema(token)
    missing = [
        CheckFailure(property=name, reason=f"missing required property '{name}'")
        for name in sorted(schema.required - inputs.keys())
    ]
    wrong = [
        CheckFailure(property=name, reason=reason)
        for name, value in inputs.items()
        for reason in _check_property(schema.inputs, name, value, name)
    ]
    return [*missing, *wrong, *_check_group_name(inputs.get("resourceGroupName", UNKNOWN))]


def _check_group_name(name: Any) -> Iterator[CheckFailure]:
    """azure-native checks patterns of names that the REST specifications have and the SDK does not keep."""
    if name != UNKNOWN and not _GROUP_NAME.fullmatch(str(name)):
        reason = f"'resourceGroupName' must match {_GROUP_NAME.pattern}, not {name!r}"
        yield CheckFailure(property="resourceGroupName", reason=reason)


@cache
def _required(arguments: type) -> frozenset[str]:
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = list(inspect.signature(vars(arguments)["__init__"]).parameters.values())[1:]
    return frozenset(names[item.name] for item in parameters if item.default is inspect.Parameter.empty)


@cache
def _properties(arguments: type) -> Mapping[str, Any]:
    return _types.input_type_types(arguments)


def _check_property(known: Mapping[str, Any], name: str, value: Any, path: str) -> Iterator[str]:
    if name not in known:
        yield f"'{path}' is not a property that azure-native knows here"
    else:
        yield from _check_value(known[name], value, path)


def _check_value(annotation: Any, value: Any, path: str) -> Iterator[str]:
    choices = _choices(annotation)
    if value == UNKNOWN or Any in choices:
        return
    enumeration = next((choice for choice in choices if isinstance(choice, type) and issubclass(choice, Enum)), None)
    if enumeration is not None:
        yield from _check_enumeration(enumeration, value, path)
        return
    (choice,) = choices
    origin = get_origin(choice) or choice
    if _types.is_input_type(choice):
        yield from _check_object(choice, value, path)
    elif issubclass(origin, str):
        yield from _expect(isinstance(value, str), "a string", value, path)
    elif issubclass(origin, bool):
        yield from _expect(isinstance(value, bool), "true or false", value, path)
    elif issubclass(origin, int):
        yield from _expect(isinstance(value, int) and not isinstance(value, bool), "a whole number", value, path)
    elif issubclass(origin, float):
        yield from _expect(isinstance(value, int | float) and not isinstance(value, bool), "a number", value, path)
    elif issubclass(origin, Mapping):
        yield from _expect(isinstance(value, dict), "an object", value, path)
        for key, item in value.items() if isinstance(value, dict) else ():
            yield from _check_value(get_args(choice)[1], item, f"{path}.{key}")
    elif issubclass(origin, Sequence):
        yield from _expect(isinstance(value, list), "an array", value, path)
        for index, item in enumerate(value) if isinstance(value, list) else ():
            yield from _check_value(get_args(choice)[0], item, f"{path}[{index}]")
    else:
        raise TypeError(f"{path}: the SDK's type {choice} is not supported")


def _check_object(arguments: type, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield from _expect(False, "an object", value, path)
        return
    for name in sorted(_required(arguments) - value.keys()):
        yield f"missing required property '{path}.{name}'"
    for name, item in value.items():
        yield from _check_property(_properties(arguments), name, item, f"{path}.{name}")


def _check_enumeration(enumeration: type[Enum], value: Any, path: str) -> Iterator[str]:
    allowed = [member.value for member in enumeration]
    if value not in allowed and enumeration.__name__ not in _OPEN_ENUMERATIONS:
        yield f"'{path}' must be one of {', '.join(map(str, allowed))}, not {value!r}"


def _expect(right: bool, expected: str, value: Any, path: str) -> Iterator[str]:
    if not right:
        yield f"'{path}' should be {expected} but got {type(value).__name__}"


@cache
def _choices(annotation: Any) -> tuple[Any, ...]:
    """What a value may be once it is resolved: an annotation without None, awaitables and outputs."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return (annotation,)
    resolved = [
        choice
        for choice in get_args(annotation)
        if choice is not type(None) and getattr(get_origin(choice), "__name__", "") not in ("Awaitable", "Output")
    ]
    return tuple(resolved)
