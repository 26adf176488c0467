"""What a command on this computer runs: a Python program of this repository that dials a server."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pulumi

from components.server import Server
from components.shell import ServerAccess, choose_address

# In the program's folder, where the command provider runs; Pulumi.yaml names the same virtual environment.
PYTHON = ".venv\\Scripts\\python" if sys.platform == "win32" else ".venv/bin/python"


def write_local_document(about: Mapping[str, object], server: Server, access: ServerAccess) -> pulumi.Output[str]:
    """The standard input of such a program, a secret: `about`, and how to reach the server and its jump host."""
    jump = access.ssh.jump_host
    document = pulumi.Output.json_dumps(
        {
            **about,
            "host": choose_address(access.ssh, server),
            "port": access.ssh.port,
            "hostKey": server.host_key,
            "user": access.operator,
            "password": access.operator_password,
            "privateKey": access.operator_private_key,
            "jumpHost": {
                "host": jump.host,
                "port": jump.port,
                "hostKey": jump.host_key,
                "user": jump.user,
                "password": access.jump_host_password,
                "privateKey": access.jump_host_private_key,
            }
            if jump
            else None,
        }
    )
    return pulumi.Output.secret(document)
