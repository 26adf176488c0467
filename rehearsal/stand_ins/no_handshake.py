"""What both providers' stand-ins leave to the engine: a handshake, whose answer would override Configure's."""

from __future__ import annotations

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer


class NoHandshake(ResourceProviderServicer):
    """Says so at once; the generated class would write a traceback into the log each time."""

    def Handshake(self, request: object, context: grpc.ServicerContext) -> None:  # noqa: ARG002
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handshake is not implemented")
