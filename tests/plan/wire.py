"""What a program sends to the engine, as plain data in which secrets, unknown values and archives stay marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and hides on the screen."""

    value: Any


@dataclass(frozen=True)
class Archive:
    """A folder that goes to a provider as a whole."""

    path: str


class Unknown:
    """A value that only an update finds out."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


def read(sent: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of one message. Raises ValueError for a kind of value that this program has never sent."""
    return {key: plain(value) for key, value in MessageToDict(sent).items()}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return marked(value) if rpc._special_sig_key in value else {key: plain(part) for key, part in value.items()}
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == rpc.UNKNOWN else value


def marked(value: dict[str, Any]) -> Any:
    kind = value[rpc._special_sig_key]
    if kind == rpc._special_secret_sig:
        return Secret(plain(value["value"]))
    if kind == rpc._special_archive_sig and "path" in value:
        return Archive(value["path"])
    raise ValueError(f"{kind} is a kind of value that the recorder does not know: {sorted(value)}")


def write(value: dict[str, Any]) -> struct_pb2.Struct:
    """Plain values, as a provider answers with them."""
    answer = struct_pb2.Struct()
    answer.update(value)
    return answer


def bare(value: Any) -> Any:
    """The same data without the marks of secrets."""
    if isinstance(value, Secret):
        return bare(value.value)
    if isinstance(value, dict):
        return {key: bare(part) for key, part in value.items()}
    return [bare(part) for part in value] if isinstance(value, list) else value
