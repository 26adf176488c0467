"""The answers that all provider stand-ins share, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol

import grpc  # type: ignore[import-untyped]
from google.protobuf import any_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer


class ProviderError(Exception):
    """An operation failed or was refused. The engine shows the message; `detail` is for the engine itself."""

    detail: Message | None = None

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class EngineCall:
    """One call of the engine: the method, and its subject (a URN, or the token of a function)."""

    method: str
    subject: str


class _KeepsCalls(Protocol):
    calls: list[EngineCall]


def answering(method: Callable[..., Any]) -> Callable[..., Any]:
    """Log the call in `calls`, and answer a ProviderError as a gRPC error."""

    @wraps(method)
    def answer(self: _KeepsCalls, request: Any, context: grpc.ServicerContext) -> Any:
        subject = getattr(request, "urn", "") or getattr(request, "tok", "")
        self.calls.append(EngineCall(method=method.__name__, subject=subject))
        try:
            return method(self, request, context)
        except ProviderError as error:
            if error.detail is not None:
                packed = any_pb2.Any()
                packed.Pack(error.detail)
                status = status_pb2.Status(code=error.code.value[0], message=str(error), details=[packed])
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(error.code, str(error))

    return answer


class ProviderServicer(ResourceProviderServicer):
    """Answers every provider instance of every engine; `calls` has the engines' calls, oldest first."""

    def __init__(self, version: str) -> None:
        self.calls: list[EngineCall] = []
        self._version = version

    def Handshake(self, _request: pb.ProviderHandshakeRequest, context: grpc.ServicerContext) -> None:
        """Its answer would override Configure's. The generated class would log a traceback each time."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handshake is not implemented")

    @answering
    def GetPluginInfo(self, _request: Empty, _context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=self._version)

    @answering
    def CheckConfig(self, request: pb.CheckRequest, _context: grpc.ServicerContext) -> pb.CheckResponse:
        return pb.CheckResponse(inputs=request.news)


def parse_urn(urn: str) -> tuple[str, str]:
    """The resource's type token and its name."""
    _, _, types, name = urn.split("::", 3)
    return types.rpartition("$")[2], name


def answer_invoke(properties: Struct) -> pb.InvokeResponse:
    answer = pb.InvokeResponse()
    getattr(answer, "return").CopyFrom(properties)  # `return` is a keyword of Python
    return answer
