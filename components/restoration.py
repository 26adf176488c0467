"""The command that gives an existing server its old URLs back when it leaves the stack.

This is the only command with a delete text, and a local one: the provider's remote command fails a run whose server is
dead, and waits forever for a server that accepts a connection and stays silent. See docs/decisions/0009.
"""

from __future__ import annotations

import pulumi
from pulumi_command import local

from components.local_program import PYTHON, write_local_document
from components.server import Server
from components.shell import ServerAccess

RESTORE = f"{PYTHON} -m restoration"


def add_restoration(
    name: str,
    server: Server,
    access: ServerAccess,
    *,
    exchange_version: str,
    recycle_app_pools: bool,
    parent: pulumi.Resource,
) -> local.Command:
    """The command cas-COMPUTERNAME-restore of an existing server; it runs when it is deleted, and only then.

    Without `restoreOnRemove` it exists, but has no delete text: switching the key off updates the command instead of
    deleting it, which would restore the server. It has the computer's name, so renaming a server's key does not delete
    it either.
    """
    wanted = server.args.restore_on_remove
    return local.Command(
        f"{name}-{server.args.computer_name.lower()}-restore",
        delete=RESTORE if wanted else None,
        stdin=restoration_document(server, access, exchange_version, recycle_app_pools) if wanted else None,
        # Standard error names, during the run, what could not be restored.
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def restoration_document(
    server: Server, access: ServerAccess, exchange_version: str, recycle_app_pools: bool
) -> pulumi.Output[str]:
    """The standard input of `python -m restoration`. It is complete: by then only the state has these values."""
    about = {
        "server": server.args.computer_name,
        "exchangeVersion": exchange_version,
        "recycleAppPools": recycle_app_pools,
    }
    return write_local_document(about, server, access)
