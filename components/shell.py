"""A server's shell: the connection over SSH, the scripts copied to it, and the commands that run them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import remote

from components import powershell
from components.args import SshArgs
from components.server import Server

# Five dials of at most ten seconds: enough for a short silence or a dropped handshake; a dead server, or a dead jump
# host, is reported within a minute.
DIAL_ERRORS = 4
DIAL_SECONDS = 10
# Behind a jump host a server is dialled once: the provider repeats a failed handshake on the connection that it has
# already closed, and reports `EOF` instead of the reason (docs/decisions/0020).
DIAL_ERRORS_BEHIND_JUMP_HOST = 0
OPENSSH_KEY = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", re.DOTALL)
OPENSSH_MAGIC = b"openssh-key-v1\0"
OPENSSH_UNENCRYPTED = OPENSSH_MAGIC + b"\0\0\0\x04none"


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """How the servers are reached over SSH, and by whom."""

    ssh: SshArgs
    operator: str
    operator_password: pulumi.Input[str]
    operator_private_key: pulumi.Input[str] | None
    jump_host_password: pulumi.Input[str] | None
    jump_host_private_key: pulumi.Input[str] | None


class ServerShell:
    """One copy of the scripts on one server, and a command for each script that runs there.

    The commands have no delete text, so a teardown needs no live server, and no environment, which Windows refuses.
    """

    def __init__(self, name: str, server: Server, access: ServerAccess, *, parent: pulumi.Resource) -> None:
        self.server = server
        self._name, self._access, self._parent = name, access, parent
        self._connection = connection_to(server, access)
        self._folder = pulumi.Output.from_input(server.installation).apply(powershell.scripts_folder)
        self._scripts = remote.CopyToRemote(
            f"{name}-scripts",
            connection=self._connection,
            source=pulumi.FileArchive(powershell.SCRIPTS_ARCHIVE),
            remote_path=self._folder,
            opts=pulumi.ResourceOptions(
                parent=parent,
                deleted_with=server.vm,
                depends_on=[server.component] if server.component else None,
            ),
        )

    def run(
        self,
        what: str,
        script: str,
        document: Mapping[str, Any],
        *,
        after: Sequence[pulumi.Resource],
        triggers: Sequence[object] | None = None,
    ) -> remote.Command:
        """The command cas-KEY-`what`: `script` with the document on standard input, after the scripts and `after`.

        When `triggers` change, Pulumi drops the old command from the state first, so an interrupted run is retried, and
        switching back runs it again. Without a delete text, dropping it runs nothing.
        """
        return remote.Command(
            f"{self._name}-{what}",
            connection=self._connection,
            create=self._folder.apply(lambda folder: powershell.command_line(folder, script)),
            stdin=self._stdin(document),
            # Standard output, the report, is an output of the command; people see standard error while it runs.
            logging=remote.Logging.STDERR,
            add_previous_output_in_env=False,
            triggers=triggers,
            opts=pulumi.ResourceOptions(
                parent=self._parent,
                deleted_with=self.server.vm,
                depends_on=[self._scripts, *after],
                delete_before_replace=triggers is not None,
            ),
        )

    def _stdin(self, document: Mapping[str, Any]) -> pulumi.Input[str]:
        """Plain if the operator logs on with a password, so that a pull request shows each URL; else secret, because a
        logon with a key needs the operator's password in the document."""
        access = self._access
        if access.operator_private_key is None:
            return powershell.write_document(document, None)
        return pulumi.Output.secret(access.operator_password).apply(
            lambda password: powershell.write_document(document, {"userName": access.operator, "password": password})
        )


def connection_to(server: Server, access: ServerAccess) -> remote.ConnectionArgs:
    jump = access.ssh.jump_host
    return remote.ConnectionArgs(
        host=address_to_dial(access.ssh, server),
        port=access.ssh.port,
        user=access.operator,
        password=None if access.operator_private_key else access.operator_password,
        private_key=check_private_key("operatorPrivateKey", access.operator_private_key),
        host_key=server.host_key,
        dial_error_limit=DIAL_ERRORS_BEHIND_JUMP_HOST if jump else DIAL_ERRORS,
        per_dial_timeout=DIAL_SECONDS,
        proxy=remote.ProxyConnectionArgs(
            host=jump.host,
            port=jump.port,
            user=jump.user,
            password=access.jump_host_password,
            private_key=check_private_key("jumpHostPrivateKey", access.jump_host_private_key),
            host_key=jump.host_key,
            dial_error_limit=DIAL_ERRORS,
            per_dial_timeout=DIAL_SECONDS,
        )
        if jump
        else None,
    )


def address_to_dial(ssh: SshArgs, server: Server) -> pulumi.Input[str]:
    """Never empty, or the provider would dial the computer that it runs on."""
    if ssh.address != "public":
        return server.args.address
    public = server.public_address or server.args.address
    return pulumi.Output.from_input(public).apply(
        lambda address: require_public_address(server.args.computer_name, address)
    )


def require_public_address(computer_name: str, address: str) -> str:
    if address in ("", str(None)):  # what Azure answers before it has assigned an address
        raise pulumi.RunError(
            f"Azure has no public address for {computer_name}, so that nothing can be dialled. "
            "Look at its public address in the portal, or set ssh.address: private."
        )
    return address


def check_private_key(name: str, key: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
    """The key as a secret; RunError if it has a passphrase."""
    return None if key is None else pulumi.Output.secret(key).apply(lambda text: refuse_passphrase(name, text))


def refuse_passphrase(name: str, text: str) -> str:
    """The private key in the secret `name`, unchanged. Raises RunError if it has a passphrase."""
    if needs_passphrase(text):
        raise pulumi.RunError(
            f"{name} is protected by a passphrase, which no run asks for. Take it off a copy of the key "
            f'(ssh-keygen -p -N "" -f COPY), then: pulumi config set --secret {name} < COPY'
        )
    return text


def needs_passphrase(text: str) -> bool:
    """False for a text that is not a private key."""
    if "Proc-Type: 4,ENCRYPTED" in text or "BEGIN ENCRYPTED PRIVATE KEY" in text:
        return True
    found = OPENSSH_KEY.search(text)
    try:
        stored = base64.b64decode(found[1]) if found else b""
    except ValueError:
        return False
    return stored.startswith(OPENSSH_MAGIC) and not stored.startswith(OPENSSH_UNENCRYPTED)
