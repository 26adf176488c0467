"""A server's shell: the connection over SSH, the scripts copied to it, and the commands that run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
from pulumi_command import remote

from components import powershell, private_keys
from components.args import FarmArgs
from components.server import Server

# Five dials of at most ten seconds: a moment of silence and a dropped handshake are ridden out, and a dead server, or a
# dead jump host, is reported within a minute.
DIAL_ERRORS = 4
DIAL_SECONDS = 10
# Behind a jump host a server is dialled once. The provider repeats a failed handshake on the connection that it has
# closed already, and then tells `EOF` instead of the reason (docs/decisions/0020).
DIAL_ERRORS_BEHIND_JUMP_HOST = 0

# Called with `credential`, a userName and a password or None.
Document = Callable[..., str]


class ServerShell:
    """One copy of the scripts on one server, and a command for each script that is run there.

    No delete text and no environment: a teardown needs no live server, and Windows accepts no variables.
    """

    def __init__(self, name: str, args: FarmArgs, server: Server, parent: pulumi.Resource) -> None:
        self.server = server
        self._name, self._args, self._parent = f"{name}-{server.key}", args, parent
        self._connection = connection(args, server)
        self._folder = pulumi.Output.from_input(server.installation).apply(powershell.scripts_folder)
        self._scripts = remote.CopyToRemote(
            f"{self._name}-scripts",
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
        document: Document,
        after: Sequence[pulumi.Resource] = (),
        triggers: Sequence[object] | None = None,
    ) -> remote.Command:
        """The command cas-KEY-`what`: `script` with the document on standard input, after the scripts and `after`.

        With other `triggers` it is forgotten before it runs, so that a run that was broken off leaves no trace of the
        time before, and going back is a change as well. Nothing is undone by that: there is no delete text.
        """
        return remote.Command(
            f"{self._name}-{what}",
            connection=self._connection,
            create=self._folder.apply(lambda known: powershell.run_file(known, script)),
            stdin=self._stdin(document),
            # The answer is an output of its own; what is said to people goes by while it runs.
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
        """Plain with a password logon, so that a pull request shows each URL; secret where it holds a credential."""
        if self._args.operator_private_key is None:
            return document()
        return pulumi.Output.secret(self._args.operator_password).apply(
            lambda password: document(credential={"userName": self._args.operator, "password": password})
        )


def connection(args: FarmArgs, server: Server) -> remote.ConnectionArgs:
    jump = args.ssh.jump_host
    return remote.ConnectionArgs(
        host=dialled(args, server),
        port=args.ssh.port,
        user=args.operator,
        password=None if args.operator_private_key else args.operator_password,
        private_key=private_key("operatorPrivateKey", args.operator_private_key),
        host_key=server.host_key,
        dial_error_limit=DIAL_ERRORS_BEHIND_JUMP_HOST if jump else DIAL_ERRORS,
        per_dial_timeout=DIAL_SECONDS,
        proxy=remote.ProxyConnectionArgs(
            host=jump.host,
            port=jump.port,
            user=jump.user,
            password=args.jump_host_password,
            private_key=private_key("jumpHostPrivateKey", args.jump_host_private_key),
            host_key=jump.host_key,
            dial_error_limit=DIAL_ERRORS,
            per_dial_timeout=DIAL_SECONDS,
        )
        if jump
        else None,
    )


def dialled(args: FarmArgs, server: Server) -> pulumi.Input[str]:
    """Never empty: the provider would dial the computer that it runs on."""
    if args.ssh.address != "public":
        return server.address
    public = server.public_address or server.address
    return pulumi.Output.from_input(public).apply(lambda address: public_address(server.computer_name, address))


def public_address(computer_name: str, address: str) -> str:
    if address in ("", str(None)):  # as Azure answers while an address has not been given
        raise pulumi.RunError(
            f"Azure has no public address for {computer_name}, so that nothing can be dialled. "
            "Look at its public address in the portal, or set ssh.address: private."
        )
    return address


def private_key(name: str, key: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
    def usable(text: str) -> str:
        try:
            return private_keys.checked(name, text)
        except ValueError as error:
            raise pulumi.RunError(str(error)) from None

    return None if key is None else pulumi.Output.secret(key).apply(usable)
