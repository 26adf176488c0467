"""The namespace on the servers: scripts copied, then run, the canary first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_command import remote

from components import powershell
from components.args import FarmArgs
from components.namespace import Settings
from components.server import Server

# Five dials of at most ten seconds: a moment of silence is ridden out, a dead server is reported within a minute.
DIAL_ERRORS = 4
DIAL_SECONDS = 10


class ClientAccessNamespace(pulumi.ComponentResource):
    """One copy of the scripts and one command per server.

    No delete text, no triggers, no environment: a teardown needs no live server, a change is an update, and Windows
    accepts no variables.
    """

    changes: dict[str, pulumi.Output[dict[str, dict[str, str]]]]

    def __init__(
        self,
        name: str,
        args: FarmArgs,
        *,
        settings: Settings,
        servers: Sequence[Server],
        after: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-cas:index:ClientAccessNamespace", name, None, opts)
        self._name, self._args, self._settings = name, args, settings
        self.changes = {}
        before: list[pulumi.Resource] = [after]
        for server in rollout(servers, args.rollout.canary):
            command = self._configure(server, before)
            self.changes[server.key] = command.stdout.apply(powershell.changes)
            if before == [after] or args.rollout.then == "oneByOne":
                before = [command]
        self.register_outputs({})

    def _configure(self, server: Server, before: Sequence[pulumi.Resource]) -> remote.Command:
        connection = self._connection(server)
        folder = pulumi.Output.from_input(server.installation).apply(powershell.scripts_folder)
        scripts = remote.CopyToRemote(
            f"{self._name}-{server.key}-scripts",
            connection=connection,
            source=pulumi.FileArchive(powershell.SCRIPTS_ARCHIVE),
            remote_path=folder,
            opts=pulumi.ResourceOptions(
                parent=self,
                deleted_with=server.vm,
                depends_on=[server.component] if server.component else None,
            ),
        )
        return remote.Command(
            f"{self._name}-{server.key}-namespace",
            connection=connection,
            create=folder.apply(lambda known: powershell.run_file(known, "Set-ClientAccessNamespace")),
            stdin=self._document(server),
            # The answer is an output of its own; what is said to people goes by while it runs.
            logging=remote.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self, deleted_with=server.vm, depends_on=[scripts, *before]),
        )

    def _connection(self, server: Server) -> remote.ConnectionArgs:
        args, jump = self._args, self._args.ssh.jump_host
        public = args.ssh.address == "public"
        return remote.ConnectionArgs(
            host=server.public_address or server.address if public else server.address,
            port=args.ssh.port,
            user=args.operator,
            password=None if args.operator_private_key else args.operator_password,
            private_key=args.operator_private_key,
            host_key=server.host_key,
            dial_error_limit=DIAL_ERRORS,
            per_dial_timeout=DIAL_SECONDS,
            proxy=remote.ProxyConnectionArgs(
                host=jump.host,
                port=jump.port,
                user=jump.user,
                password=args.jump_host_password,
                private_key=args.jump_host_private_key,
                host_key=jump.host_key,
                dial_error_limit=DIAL_ERRORS,
                per_dial_timeout=DIAL_SECONDS,
            )
            if jump
            else None,
        )

    def _document(self, server: Server) -> pulumi.Input[str]:
        """Plain with a password logon, so that a pull request shows each URL; secret where it holds a credential."""

        def document(credential: Mapping[str, str] | None = None) -> str:
            return powershell.namespace_document(
                server=server.computer_name,
                exchange_version=self._args.exchange_version,
                recycle_app_pools=self._args.recycle_app_pools,
                settings=self._settings,
                credential=credential,
            )

        if self._args.operator_private_key is None:
            return document()
        return pulumi.Output.secret(self._args.operator_password).apply(
            lambda password: document({"userName": self._args.operator, "password": password})
        )


def rollout(servers: Sequence[Server], canary: str | None) -> list[Server]:
    """The canary first, then those in rotation, by key: a server that is still being made holds up no other."""
    return sorted(servers, key=lambda server: (server.key != canary, not server.in_rotation, server.key))
