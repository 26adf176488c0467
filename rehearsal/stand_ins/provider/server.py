"""A provider as a server in this process, attached to an engine by PULUMI_DEBUG_PROVIDERS=NAME:PORT."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc  # type: ignore[import-untyped]
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server


class ProviderServer:
    """Serves from `start` to `stop` on `port` of 127.0.0.1; `stop` drops calls that are still being answered."""

    def __init__(self, servicer: ResourceProviderServicer, *, threads: int) -> None:
        """`threads`: how many calls are answered at a time; a thread starts when it is needed."""
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix=type(servicer).__name__)
        self._server = grpc.server(self._workers, options=_GRPC_CHANNEL_OPTIONS)
        add_ResourceProviderServicer_to_server(servicer, self._server)
        self.port: int = self._server.add_insecure_port("127.0.0.1:0")

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
