"""The stack's outputs as the last `up` left them, asked of the engine: no other part of Pulumi compares with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

READ = "pulumi:pulumi:readStackOutputs"


async def last_outputs() -> Mapping[str, Any]:
    """Empty before the first `up`."""
    organization, stack = pulumi.get_organization(), pulumi.get_stack()
    # Without one, the engine takes the stack of this name in the current project.
    name = f"{organization}/{pulumi.get_project()}/{stack}" if organization else stack
    found = await pulumi.runtime.invoke_async(READ, {"name": name})
    return found.get("outputs") or {}
