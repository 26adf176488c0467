"""The stack's outputs as the last `up` left them, asked of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi

READ = "pulumi:pulumi:readStackOutputs"
# An `up` writes the state while this reads it, and a backend in files shows what is half written (`EOF`).
ATTEMPTS, PAUSE_SECONDS = 50, 0.1


async def last_outputs() -> Mapping[str, Any]:
    """Empty before the first `up`. Raises RunError where the state cannot be read."""
    organization, stack = pulumi.get_organization(), pulumi.get_stack()
    # Without one, the engine takes the stack of this name in the current project.
    name = f"{organization}/{pulumi.get_project()}/{stack}" if organization else stack
    for _ in range(ATTEMPTS):
        try:
            found = await pulumi.runtime.invoke_async(READ, {"name": name})
        except Exception as error:  # noqa: BLE001 (the SDK raises no other)
            failure = error
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return found.get("outputs") or {}
    raise pulumi.RunError(f"The outputs of the last `pulumi up` of {name} cannot be read: {failure}")
