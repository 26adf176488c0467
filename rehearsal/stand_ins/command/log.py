"""Messages that the provider sends to the engine while it works, each for one resource."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pulumi.runtime.proto import engine_pb2 as engine
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

_SECONDS_TO_DELIVER = 5


class EngineLog:
    """Lines for one resource; dropped without an engine."""

    def __init__(self, engine_stub: EngineStub | None, urn: str) -> None:
        self._engine = engine_stub
        self._urn = urn
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="engine-log")  # one thread keeps the lines in order

    def status(self, message: str) -> None:
        """Shown beside the resource during the operation only."""
        self._send(message, engine.INFO, ephemeral=True)

    def debug(self, message: str) -> None:
        self._send(message, engine.DEBUG)

    def warning(self, message: str) -> None:
        self._send(message, engine.WARNING)

    def error(self, message: str) -> None:
        self._send(message, engine.ERROR)

    def _send(self, message: str, severity: engine.LogSeverity.ValueType, *, ephemeral: bool = False) -> None:
        if self._engine is not None:
            request = engine.LogRequest(severity=severity, message=message, urn=self._urn, ephemeral=ephemeral)
            self._sender.submit(self._engine.Log, request, timeout=_SECONDS_TO_DELIVER)

    def deliver(self) -> None:
        """Waits until the engine has all lines: it drops those that arrive after the operation's answer."""
        self._sender.shutdown()
