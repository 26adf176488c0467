"""Calls to a resource provider as the engine makes them, each logged with its answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import json_format, struct_pb2
from google.protobuf.message import Message
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

Properties = dict[str, Any]
Line = dict[str, Any]

MARK = rpc._special_sig_key
UNKNOWN = rpc.UNKNOWN
COMMAND, COPY = "command:remote:Command", "command:remote:CopyToRemote"


def secret(value: object) -> Properties:
    return {MARK: rpc._special_secret_sig, "value": value}


def text_asset(text: str, *, digest: str) -> Properties:
    return {MARK: rpc._special_asset_sig, "hash": digest, "text": text}


def file_asset(path: str) -> Properties:
    return {MARK: rpc._special_asset_sig, "hash": "00" * 32, "path": path}


def folder_archive(path: str) -> Properties:
    return {MARK: rpc._special_archive_sig, "hash": "00" * 32, "path": path}


def struct(value: Properties) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


def _read_message(message: Message) -> Line:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


class ProviderClient:
    """One engine's connection to a provider; `lines` has all calls in order.

    `seen`: the log of a server; each line has the entries that its call added.
    """

    def __init__(self, port: int, seen: list[str]) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = ResourceProviderStub(self._channel)
        self.lines: list[Line] = []
        self.scenario = ""
        self._seen = seen

    def close(self) -> None:
        self._channel.close()

    def call(self, method: str, request: Message, step: str = "", *, deadline: float = 60, timed: bool = False) -> Line:
        """The logged line: the answer or the error, and the duration in seconds if `timed`."""
        line: Line = {"scenario": self.scenario, "step": step or method, "method": method}
        mark, started = len(self._seen), time.monotonic()
        call: Callable[..., Message] = getattr(self.stub, method)
        try:
            line["answer"] = _read_message(call(request, timeout=deadline))
        except grpc.RpcError as error:
            line["error"] = {"code": error.code().name, "details": error.details()}
        if timed:
            line["seconds"] = time.monotonic() - started
        line["server"] = self._seen[mark:]
        self.lines.append(line)
        return line

    def check(self, kind: str, name: str, news: Properties) -> Properties:
        """The checked inputs."""
        urn, seed = _urn(kind, name), b"0" * 32
        line = self.call("Check", pb.CheckRequest(urn=urn, news=struct(news), olds=struct({}), randomSeed=seed))
        inputs: Properties = line["answer"]["inputs"]
        return inputs

    def create(self, kind: str, name: str, inputs: Properties, *, preview: bool = False, **options: Any) -> Properties:
        """The answer: id and properties; {} after an error."""
        request = pb.CreateRequest(urn=_urn(kind, name), properties=struct(inputs), preview=preview)
        answer: Properties = self.call("Create", request, **options).get("answer", {})
        return answer

    def diff(self, kind: str, name: str, state: Properties, old: Properties, new: Properties, step: str) -> Line:
        request = pb.DiffRequest(
            id=name, urn=_urn(kind, name), olds=struct(state), old_inputs=struct(old), news=struct(new)
        )
        return self.call("Diff", request, step)

    def update(
        self, kind: str, name: str, state: Properties, old: Properties, new: Properties, step: str = "", **options: Any
    ) -> Properties:
        """The returned properties; {} after an error."""
        request = pb.UpdateRequest(
            id=name, urn=_urn(kind, name), olds=struct(state), old_inputs=struct(old), news=struct(new), **options
        )
        properties: Properties = self.call("Update", request, step).get("answer", {}).get("properties", {})
        return properties

    def read(self, kind: str, name: str, id_: str, state: Properties, inputs: Properties, step: str) -> None:
        request = pb.ReadRequest(id=id_, urn=_urn(kind, name), properties=struct(state), inputs=struct(inputs))
        self.call("Read", request, step)

    def delete(self, kind: str, name: str, state: Properties, step: str, *, timed: bool = False) -> None:
        request = pb.DeleteRequest(id=name, urn=_urn(kind, name), properties=struct(state))
        self.call("Delete", request, step, timed=timed)


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:s::p::{kind}::{name}"
