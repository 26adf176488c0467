"""Calls of the command provider for tests: one connection, one command, one error."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2 as engine
from pulumi.runtime.proto.engine_pb2_grpc import EngineServicer

from tests.unit.provider_client import COMMAND, Properties, ProviderClient, secret
from tests.unit.scripted_ssh_server import PASSWORD, ScriptedSshServer

Serve = Callable[..., ScriptedSshServer]


class Engine(EngineServicer):
    """Keeps the lines that a provider logs; each line sets `has_lines`."""

    def __init__(self) -> None:
        self.lines: list[engine.LogRequest] = []
        self.has_lines = threading.Event()
        self._changed = threading.Condition()

    def Log(self, request: engine.LogRequest, _context: object) -> Empty:
        with self._changed:
            self.lines.append(request)
            self._changed.notify_all()
        self.has_lines.set()
        return Empty()

    def wait_for(self, message: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(line.message == message for line in self.lines), 30), message


def connection(server: ScriptedSshServer, **changes: object) -> Properties:
    base = {"host": "127.0.0.1", "port": server.port, "user": "lab", "hostKey": server.host_key, "dialErrorLimit": 0}
    return {**base, "password": PASSWORD, **changes}


def create(client: ProviderClient, kind: str = COMMAND, **news: object) -> Properties:
    inputs = client.check(kind, "r", {**news, "connection": secret(news["connection"])})
    return client.create(kind, "r", inputs)


def error(client: ProviderClient) -> str:
    """The error message of the last call."""
    details: str = client.lines[-1]["error"]["details"]
    return details


@contextlib.contextmanager
def listen_silently() -> Iterator[int]:
    """The port of a host that accepts a connection and then sends nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]
