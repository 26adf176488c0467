"""Runs the program on Pulumi's engine without work that a preview does not need (docs/decisions/0013), and reads the
outputs of the last `up`."""

from __future__ import annotations

import asyncio
import gc
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pulumi

READ_OUTPUTS = "pulumi:pulumi:readStackOutputs"
# While an `up` writes the state, a file backend returns an incomplete file (`EOF`), so the reading is repeated.
ATTEMPTS, PAUSE_SECONDS = 50, 0.1
# Any value keeps the SDK's debug lines.
DEBUG_VARIABLE = "EXCHANGE_CAS_DEBUG"
# azure-native:network/v20240501:NetworkInterface. Version 3 of the provider has no such types, and this program never
# used one, so they are in no state.
VERSIONED_TYPE = re.compile(r"azure-native:\w+/v\d+\w*:")


def run_quickly(program: Callable[[], Awaitable[pulumi.Inputs]]) -> None:
    """`pulumi.run` with four savings: garbage collection, debug lines, versioned aliases, late registrations."""
    gc.disable()
    if DEBUG_VARIABLE not in os.environ:
        pulumi.log.debug = drop_debug_line

    async def main() -> pulumi.Inputs:
        pulumi.runtime.register_stack_transformation(drop_versioned_aliases)
        outputs = await program()
        # Starts every registration now: when the program ends, the SDK waits for late ones in a costly loop.
        await asyncio.sleep(0)
        return outputs

    pulumi.run(main)


def drop_debug_line(*_: object, **__: object) -> None:
    """Replaces pulumi.log.debug, which makes a blocking call to the engine for each line."""


def drop_versioned_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation that removes the aliases for a type's former API versions.

    The SDK lists 30 to 60 of them for each resource and computes a URN for each, most of the time of a preview.
    """
    aliases = args.opts.aliases
    if not isinstance(aliases, list):
        return None
    opts = pulumi.ResourceOptions.merge(args.opts, None)
    opts.aliases = [
        alias for alias in aliases if not (isinstance(alias, pulumi.Alias) and VERSIONED_TYPE.match(str(alias.type_)))
    ]
    return pulumi.ResourceTransformationResult(args.props, opts)


async def read_last_outputs() -> Mapping[str, Any]:
    """The stack's outputs after the last `up`; empty before the first. Raises RunError if the state is unreadable."""
    organization, stack = pulumi.get_organization(), pulumi.get_stack()
    # Without an organization, the engine takes the stack of this name in the current project.
    name = f"{organization}/{pulumi.get_project()}/{stack}" if organization else stack
    for _ in range(ATTEMPTS):
        try:
            answer = await pulumi.runtime.invoke_async(READ_OUTPUTS, {"name": name})
        except Exception as error:  # noqa: BLE001 (the SDK raises no subclass)
            failure = error
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return answer.get("outputs") or {}
    raise pulumi.RunError(f"The outputs of the last `pulumi up` of {name} cannot be read: {failure}")
