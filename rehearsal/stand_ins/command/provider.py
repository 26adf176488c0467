"""The stand-in as a server in this process."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from rehearsal.stand_ins.command.operations import CommandOperations
from rehearsal.stand_ins.command.servicer import CommandServicer
from rehearsal.stand_ins.provider.server import ProviderServer

_THREADS = 256  # an operation that hangs holds its thread


class CommandProvider(ProviderServer):
    """`stop` also ends operations that hang."""

    def __init__(self, program: Path | None = None) -> None:
        """`program`: the program's working directory, where relative paths of sources start; else this process's."""
        self._operations = CommandOperations(program or Path.cwd())
        self._loop = asyncio.new_event_loop()
        self._servicer = CommandServicer(self._operations, self._loop)
        self._thread = threading.Thread(target=self._loop.run_forever, name="command-provider", daemon=True)
        super().__init__(self._servicer, threads=_THREADS)

    def start(self) -> None:
        self._thread.start()
        super().start()

    def stop(self) -> None:
        super().stop()
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
