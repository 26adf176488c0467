"""Exchange Client Access high availability: settings -> farm -> outputs."""

import pulumi
from pulumi.runtime.config import CONFIG, is_config_secret

from components import engine
from components.farm import ClientAccessFarm
from stacks import advice, arguments, changes


async def main() -> pulumi.Inputs:
    try:
        # The whole configuration: pulumi.Config reads only the keys it is asked for and would miss a mistyped one.
        args = arguments.load_arguments(
            pulumi.Config(arguments.PROJECT), CONFIG.get(), is_config_secret, pulumi.get_stack()
        )
        last = await engine.read_last_outputs()
        args = changes.reconcile_with_last_up(args, last)
    except arguments.InvalidStackFileError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in (
        *advice.list_warnings(args, pulumi.get_stack()),
        *changes.warn_of_machines_outside_domain(args, last),
    ):
        pulumi.log.warn(warning)
    farm = ClientAccessFarm(
        "cas",
        args,
        servers_with_disks=changes.find_servers_with_disks(args, last),
        joining_servers=changes.find_joining_servers(args, last),
    )
    return farm.outputs


engine.run_quickly(main)
