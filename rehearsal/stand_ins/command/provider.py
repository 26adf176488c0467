"""The stand-in as a server in this process, attached to an engine by PULUMI_DEBUG_PROVIDERS=command:PORT."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from rehearsal.stand_ins.command.operations import CommandOperations
from rehearsal.stand_ins.command.servicer import CommandServicer

# An operation that hangs holds its thread, as many may; threads are made when they are needed.
_MOST_OPERATIONS = 256
_LARGEST_MESSAGE = 400 * 1024 * 1024  # what the engine itself accepts


class CommandProvider:
    """Serves from `start` to `stop` on `port` of 127.0.0.1; `stop` also ends operations that hang."""

    def __init__(self, program: Path | None = None) -> None:
        """`program`: the program's working directory, where relative paths of sources start; else this process's."""
        self._operations = CommandOperations(program or Path.cwd())
        self._loop = asyncio.new_event_loop()
        self._servicer = CommandServicer(self._operations, self._loop)
        self._thread = threading.Thread(target=self._loop.run_forever, name="command-provider", daemon=True)
        self._workers = ThreadPoolExecutor(_MOST_OPERATIONS, thread_name_prefix="command-provider")
        self._server = grpc.server(self._workers, options=[("grpc.max_receive_message_length", _LARGEST_MESSAGE)])
        add_ResourceProviderServicer_to_server(self._servicer, self._server)
        self.port: int = self._server.add_insecure_port("127.0.0.1:0")

    def start(self) -> None:
        self._thread.start()
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()
        asyncio.run_coroutine_threadsafe(self._end_operations(), self._loop).result()
        self._workers.shutdown()
        self._servicer.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end_operations(self) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._operations.close()

    def __enter__(self) -> CommandProvider:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
