"""The engine's Cancel and a resource's timeout."""

from __future__ import annotations

import asyncio

import grpc  # type: ignore[import-untyped]

from rehearsal.stand_ins.provider.servicer import ProviderError


class Interruption:
    """The provider heeds an interruption between two dials and while a command runs on this computer, nowhere else."""

    def __init__(self, cancelled: asyncio.Event, timeout: float) -> None:
        """`timeout`: seconds from now, 0 for none."""
        self._cancelled = cancelled
        self._deadline = asyncio.get_running_loop().time() + timeout if timeout else None

    async def wait(self) -> None:
        """Returns when the engine cancels; TimeoutError when the timeout is over."""
        async with asyncio.timeout_at(self._deadline):
            await self._cancelled.wait()

    async def pause(self, seconds: float) -> None:
        """Waits that long; ProviderError if the operation is interrupted meanwhile."""
        wake = asyncio.get_running_loop().time() + seconds
        due = self._deadline is not None and self._deadline < wake
        try:
            async with asyncio.timeout_at(self._deadline if due else wake):
                await self._cancelled.wait()
        except TimeoutError:
            if due:
                raise ProviderError("context deadline exceeded", grpc.StatusCode.DEADLINE_EXCEEDED) from None
            return
        raise ProviderError("context canceled", grpc.StatusCode.CANCELLED)
