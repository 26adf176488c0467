"""Ends a run whose reader has gone: when Pulumi is killed, nothing else would end what it started."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Coroutine
from typing import Any, TextIO

LOOK_SECONDS = 1


async def leave_with_reader(work: Coroutine[Any, Any, None], stream: TextIO) -> None:
    """Does the work. Raises CancelledError when the stream, a pipe, has lost its reader.

    A process id of a parent would not do: a shell may stand between Pulumi and this program. On Windows, which cannot
    ask a pipe, the next line that is written finds out.
    """
    task = asyncio.create_task(work)
    while not task.done():
        await asyncio.wait({task}, timeout=LOOK_SECONDS)
        if is_without_reader(stream):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise asyncio.CancelledError
    task.result()


def is_without_reader(stream: TextIO) -> bool:
    if not hasattr(select, "poll"):
        return False
    poller = select.poll()
    poller.register(stream, 0)
    return any(event & select.POLLERR for _, event in poller.poll(0))
