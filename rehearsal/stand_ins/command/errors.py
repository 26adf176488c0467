"""What ends an operation: a failure of its own, or the engine's wish to stop."""

from __future__ import annotations

import asyncio
import os

import grpc  # type: ignore[import-untyped]


class OperationError(Exception):
    """An operation failed; the message is what the engine shows to people."""

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code


class Interruption:
    """The engine's Cancel and the resource's timeout.

    The provider heeds them between two dials and where a command runs on this computer, nowhere else.
    """

    def __init__(self, cancelled: asyncio.Event, timeout: float) -> None:
        """`timeout`: seconds from now, 0 for none."""
        self._cancelled = cancelled
        self._deadline = asyncio.get_running_loop().time() + timeout if timeout else None

    async def happens(self) -> None:
        """Waits for it."""
        async with asyncio.timeout_at(self._deadline):
            await self._cancelled.wait()

    async def pause(self, seconds: float) -> None:
        """Waits that long; raises OperationError when the operation is to stop instead."""
        wake = asyncio.get_running_loop().time() + seconds
        due = self._deadline is not None and self._deadline < wake
        try:
            async with asyncio.timeout_at(self._deadline if due else wake):
                await self._cancelled.wait()
        except TimeoutError:
            if due:
                raise OperationError("context deadline exceeded", grpc.StatusCode.DEADLINE_EXCEEDED) from None
            return
        raise OperationError("context canceled", grpc.StatusCode.CANCELLED)


def reason_of(error: Exception) -> str:
    """The system's words for an operating system error, the error's own for others."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)
