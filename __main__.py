"""Exchange Client Access high availability: settings -> farm -> outputs."""

import asyncio
import gc

import pulumi
from pulumi.runtime.config import CONFIG, is_config_secret

from components.debug_lines import drop_debug_lines
from components.farm import ClientAccessFarm
from components.last_outputs import last_outputs
from stacks import advice, arguments, changes


async def main() -> pulumi.Inputs:
    # A preview is waited for. What each of these saves is in docs/decisions/0013.
    gc.disable()
    drop_debug_lines()
    try:
        # The whole configuration: pulumi.Config tells only keys that one asks for, and a mistyped one would be lost.
        args = arguments.load_arguments(
            pulumi.Config(arguments.PROJECT), CONFIG.get(), is_config_secret, pulumi.get_stack()
        )
        last = await last_outputs()
        args = changes.reconcile_with_last_up(args, last)
    except arguments.InvalidStackFileError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in advice.list_warnings(args, pulumi.get_stack()):
        pulumi.log.warn(warning)
    farm = ClientAccessFarm("cas", args, with_disks=changes.servers_with_disks(args, last))
    # Every registration begins here: the SDK is slow at waiting for those that have not when a program ends.
    await asyncio.sleep(0)
    return farm.outputs


pulumi.run(main)
