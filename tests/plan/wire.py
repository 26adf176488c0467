"""The messages to the engine as plain data, in which secrets, unknown values and archives stay marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc


@dataclass(frozen=True)
class MarkedSecret:
    """A value that the engine encrypts in the state and hides on the screen."""

    value: Any


@dataclass(frozen=True)
class MarkedArchive:
    """A folder that is sent to a provider."""

    path: str


class Unknown:
    """A value that is known during an update only."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


def parse_struct(sent: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of one message. Raises ValueError for a kind of value that the recorder does not know."""
    return {key: parse_value(value) for key, value in MessageToDict(sent).items()}


def parse_value(value: Any) -> Any:
    if isinstance(value, list):
        return [parse_value(part) for part in value]
    if isinstance(value, dict):
        return (
            parse_marked_value(value)
            if rpc._special_sig_key in value
            else {key: parse_value(part) for key, part in value.items()}
        )
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == rpc.UNKNOWN else value


def parse_marked_value(value: dict[str, Any]) -> Any:
    kind = value[rpc._special_sig_key]
    if kind == rpc._special_secret_sig:
        return MarkedSecret(parse_value(value["value"]))
    if kind == rpc._special_archive_sig and "path" in value:
        return MarkedArchive(value["path"])
    raise ValueError(f"{kind} is a kind of value that the recorder does not know: {sorted(value)}")


def build_struct(value: dict[str, Any]) -> struct_pb2.Struct:
    """Plain values as a provider's answer."""
    answer = struct_pb2.Struct()
    answer.update(value)
    return answer


def strip_secrets(value: Any) -> Any:
    """The same data without the marks of secrets."""
    if isinstance(value, MarkedSecret):
        return strip_secrets(value.value)
    if isinstance(value, dict):
        return {key: strip_secrets(part) for key, part in value.items()}
    return [strip_secrets(part) for part in value] if isinstance(value, list) else value
