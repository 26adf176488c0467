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

# Five attempts of at most ten seconds: enough to outlast a short silence or a dropped handshake. A dead server or jump
# host is reported within a minute.
DIAL_ERRORS = 4
DIAL_SECONDS = 10
# One attempt behind a jump host: the provider would repeat a failed handshake on a connection that it has closed, and
# report `EOF` instead of the reason (docs/decisions/0020).
DIAL_ERRORS_BEHIND_JUMP_HOST = 0
# A script's standard input; an output if a part of it is a secret.
Document = Mapping[str, Any] | pulumi.Output[dict[str, Any]]
OPENSSH_KEY = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", re.DOTALL)
OPENSSH_MAGIC = b"openssh-key-v1\0"
OPENSSH_UNENCRYPTED = OPENSSH_MAGIC + b"\0\0\0\x04none"


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """How the servers are reached over SSH, and the accounts for it."""

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

    def __init__(
        self,
        name: str,
        server: Server,
        access: ServerAccess,
        *,
        after: pulumi.Resource | None = None,
        parent: pulumi.Resource,
    ) -> None:
        """`after`: what puts Exchange on the server."""
        self.server = server
        self._name, self._access, self._parent = name, access, parent
        self._connection = build_connection(server, access)
        self._folder = pulumi.Output.from_input(server.machine_id).apply(powershell.scripts_folder)
        self._scripts = remote.CopyToRemote(
            f"{name}-scripts",
            connection=self._connection,
            source=pulumi.FileArchive(powershell.SCRIPTS_ARCHIVE),
            remote_path=self._folder,
            opts=pulumi.ResourceOptions(
                parent=parent,
                deleted_with=server.vm,
                depends_on=[one for one in (server.component, after) if one is not None] or None,
            ),
        )

    def run(
        self,
        suffix: str,
        script: str,
        document: Document,
        *,
        after: Sequence[pulumi.Resource],
        triggers: Sequence[object] | None = None,
    ) -> remote.Command:
        """The command cas-KEY-`suffix`, which runs `script` with the document on standard input; it waits for `after`.

        When `triggers` change, Pulumi drops the old command from the state first, so an interrupted run is retried, and
        switching back runs it again. Without a delete text, dropping it runs nothing.
        """
        return remote.Command(
            f"{self._name}-{suffix}",
            connection=self._connection,
            create=self._folder.apply(lambda folder: powershell.command_line(folder, script)),
            stdin=self._stdin(document),
            # The report, on standard output, is an output of the command. People see standard error during the run.
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

    def _stdin(self, document: Document) -> pulumi.Input[str]:
        """The document as text. It is a secret if the document is one, or if the operator logs on with a key, which
        needs the password in the document; else it is plain, so that a pull request shows each URL."""
        access = self._access
        if access.operator_private_key is None:
            if isinstance(document, Mapping):
                return powershell.write_document(document, None)
            return document.apply(lambda given: powershell.write_document(given, None))
        return pulumi.Output.all(document, pulumi.Output.secret(access.operator_password)).apply(
            lambda both: powershell.write_document(both[0], {"userName": access.operator, "password": both[1]})
        )


def build_connection(server: Server, access: ServerAccess) -> remote.ConnectionArgs:
    jump = access.ssh.jump_host
    return remote.ConnectionArgs(
        host=choose_address(access.ssh, server),
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


def choose_address(ssh: SshArgs, server: Server) -> pulumi.Input[str]:
    """The address that SSH connects to. With an empty one the provider would connect to its own computer."""
    if ssh.address != "public":
        return server.args.address
    public = server.public_address or server.args.address
    return pulumi.Output.from_input(public).apply(
        lambda address: require_public_address(server.args.computer_name, address)
    )


def require_public_address(computer_name: str, address: str) -> str:
    if address in ("", str(None)):  # what Azure answers before it has assigned an address
        raise pulumi.RunError(
            f"Azure has no public address for {computer_name}, so SSH cannot connect to it. "
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
            f"{name} is protected by a passphrase, and a run cannot ask for it. Remove it from a copy of the key "
            f'(ssh-keygen -p -N "" -f COPY), then: pulumi config set --secret {name} < COPY'
        )
    return text


def needs_passphrase(text: str) -> bool:
    """False for a text that is not a private key."""
    if "Proc-Type: 4,ENCRYPTED" in text or "BEGIN ENCRYPTED PRIVATE KEY" in text:
        return True
    match = OPENSSH_KEY.search(text)
    try:
        content = base64.b64decode(match[1]) if match else b""
    except ValueError:
        return False
    return content.startswith(OPENSSH_MAGIC) and not content.startswith(OPENSSH_UNENCRYPTED)
