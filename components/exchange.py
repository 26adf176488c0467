"""Exchange on the servers: into rotation, out of rotation, and one namespace on all of them, the canary first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pulumi
from pulumi_command import remote

from components import powershell
from components.args import FarmArgs
from components.namespace import Settings, entrances
from components.server import Server
from components.shell import ServerShell


class ClientAccessNamespace(pulumi.ComponentResource):
    """The steps in which servers and record sets wait for each other; each is called once, in this order.

    The zones → `enter` → the record sets → `configure` → `leave`. A server enters DNS when it is active and healthy,
    and goes offline when it has left DNS and clients have forgotten its address. Every edge leads from one step to a
    later one, so no combination of servers coming and going makes a cycle.
    """

    def __init__(
        self,
        name: str,
        args: FarmArgs,
        *,
        settings: Settings,
        servers: Sequence[Server],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("exchange-cas:index:ClientAccessNamespace", name, None, opts)
        self._args, self._settings = args, settings
        self._shells = [ServerShell(name, args, server, self) for server in rollout(servers, args.rollout.canary)]
        self.commands: dict[str, remote.Command] = {}
        self.register_outputs({})

    def enter(self, after: Sequence[pulumi.Resource]) -> list[pulumi.Resource]:
        """Servers in rotation: active and healthy, or the run fails by their name."""
        return [self._rotation(shell, after) for shell in self._shells if shell.server.in_rotation]

    def configure(self, after: pulumi.Resource) -> None:
        """The namespace, one command a server in `commands`; a failure of the canary stops the rest."""
        before: list[pulumi.Resource] = [after]
        for shell in self._shells:
            document = partial(
                powershell.namespace_document,
                server=shell.server.computer_name,
                exchange_version=self._args.exchange_version,
                recycle_app_pools=self._args.recycle_app_pools,
                settings=self._settings,
            )
            command = shell.run("namespace", "Set-ClientAccessNamespace", document, before)
            self.commands[shell.server.key] = command
            if before == [after] or self._args.rollout.then == "oneByOne":
                before = [command]

    def leave(self, after: pulumi.Resource) -> None:
        """Servers out of rotation: a while after the record sets let go of them, offline for maintenance."""
        for shell in self._shells:
            if not shell.server.in_rotation:
                # Not beside its own namespace command: going offline ends every session with Exchange on the server.
                self._rotation(shell, [after, self.commands[shell.server.key]])

    def _rotation(self, shell: ServerShell, after: Sequence[pulumi.Resource]) -> remote.Command:
        args, server = self._args, shell.server
        document = partial(
            powershell.rotation_document,
            server=server.computer_name,
            address=server.address,
            exchange_version=args.exchange_version,
            in_rotation=server.in_rotation,
            drain_seconds=args.drain_seconds,
            health_seconds=args.rotation.health_seconds,
            https_port=args.https_port,
            reject_closed_ports=args.reject_closed_ports,
            names=entrances(args.namespace, self._settings, published=args.dns.public is not None),
        )
        return shell.run("rotation", "Set-ClientAccessRotation", document, after, triggers=[server.in_rotation])


def rollout(servers: Sequence[Server], canary: str | None) -> list[Server]:
    """The canary first, then those in rotation, by key: a server that is still being made holds up no other."""
    return sorted(servers, key=lambda server: (server.key != canary, not server.in_rotation, server.key))
