"""What is left to do when a server that exists leaves the stack: the URLs it had before are put back.

The one command with a delete text, and a local one: the provider's remote command fails a run whose server is dead, and
waits without limit for one that accepts and stays silent. See docs/decisions/0009.
"""

from __future__ import annotations

import sys

import pulumi
from pulumi_command import local

from components.args import FarmArgs
from components.server import Server

# In the program's folder, where the command provider runs; the virtual environment is the one that Pulumi.yaml names.
PYTHON = ".venv\\Scripts\\python" if sys.platform == "win32" else ".venv/bin/python"
RESTORE = f"{PYTHON} -m restoration"


def restoration(name: str, args: FarmArgs, server: Server, parent: pulumi.Resource) -> local.Command:
    """The command cas-COMPUTERNAME-restore of a server that exists; it does nothing before it is deleted.

    It is there without `restoreOnRemove` too, with no delete text: a key that is switched off is a change of it, and
    no server leaves by that. Named by the computer, so that another key for the same server is no leaving either.
    """
    wanted = server.restore_on_remove
    return local.Command(
        f"{name}-{server.computer_name.lower()}-restore",
        delete=RESTORE if wanted else None,
        stdin=document(args, server) if wanted else None,
        # What could not be restored is said to people while it runs.
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def document(args: FarmArgs, server: Server) -> pulumi.Output[str]:
    """The standard input of `python -m restoration`, with all that it needs: the state is all that is left by then."""
    jump = args.ssh.jump_host
    public = args.ssh.address == "public"
    known = pulumi.Output.json_dumps(
        {
            "server": server.computer_name,
            "exchangeVersion": args.exchange_version,
            "recycleAppPools": args.recycle_app_pools,
            "host": server.public_address or server.address if public else server.address,
            "port": args.ssh.port,
            "hostKey": server.host_key,
            "user": args.operator,
            "password": args.operator_password,
            "privateKey": args.operator_private_key,
            "jumpHost": {
                "host": jump.host,
                "port": jump.port,
                "hostKey": jump.host_key,
                "user": jump.user,
                "password": args.jump_host_password,
                "privateKey": args.jump_host_private_key,
            }
            if jump
            else None,
        }
    )
    return pulumi.Output.secret(known)
