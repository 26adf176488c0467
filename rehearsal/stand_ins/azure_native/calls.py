"""A call of the engine: noted, and answered with Azure's refusal where there is one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol

import grpc  # type: ignore[import-untyped]
from google.protobuf import any_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from . import wire
from .errors import RefusedError
from .operations import DeploymentFailedError
from .payloads import outputs_of


@dataclass(frozen=True, kw_only=True)
class EngineCall:
    """One call of the engine: the method, and what it was about (a URN, or the token of a function)."""

    method: str
    subject: str


class _Noting(Protocol):
    calls: list[EngineCall]


def answering(method: Callable[..., Any]) -> Callable[..., Any]:
    """Note the call and pass Azure's refusals on as gRPC errors."""

    @wraps(method)
    def answer(self: _Noting, request: Any, context: grpc.ServicerContext) -> Any:
        self.calls.append(
            EngineCall(method=method.__name__, subject=getattr(request, "urn", "") or getattr(request, "tok", ""))
        )
        try:
            return method(self, request)
        except DeploymentFailedError as error:
            _abort_with_resource(context, error, request)
        except RefusedError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return answer


def _abort_with_resource(context: grpc.ServicerContext, error: DeploymentFailedError, request: Any) -> None:
    """Tell the engine that the resource is there all the same, so that it is kept in the state and tried again."""
    inputs = request.properties if isinstance(request, provider_pb2.CreateRequest) else request.news
    secrets: frozenset[wire.Path] = wire.read(inputs)[1]
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.resource.id,
            properties=wire.write(outputs_of(error.resource.body), secrets),
            reasons=[str(error)],
            inputs=inputs,
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))
