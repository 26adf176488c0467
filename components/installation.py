"""The command that installs Exchange on a server created here: a program on this computer, `python -m installation`.

An installation takes an hour and restarts the server, which no remote command outlives. See docs/decisions/0023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_command import local

from components.installation_args import InstallationArgs
from components.local_program import PYTHON, write_local_document
from components.server import Server
from components.shell import ServerAccess

INSTALL = f"{PYTHON} -m installation"


@dataclass(frozen=True, kw_only=True)
class Installer:
    """What the installations of all servers have in common. `service_uri`: where their service connection points send
    Outlook while Setup runs; None leaves them as they are."""

    args: InstallationArgs
    exchange_version: str
    service_uri: str | None
    access: ServerAccess


def add_installations(
    name: str,
    servers: Sequence[Server],
    installer: Installer,
    *,
    first: str | None,
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> dict[str, local.Command]:
    """Server's key -> its command cas-KEY-installation. All run side by side.

    `first`: the key of the server that prepares Active Directory; by default the first one by key. `inRotation`
    does not matter, or a change of it would run commands again.
    """
    preparing = min((server.key for server in servers), key=lambda key: (key != first, key), default=None)
    return {
        server.key: _add_installation(
            f"{name}-{server.key}-installation",
            server,
            installer,
            prepares=installer.args.prepare_active_directory and server.key == preparing,
            after=after,
            parent=parent,
        )
        for server in servers
    }


def _add_installation(
    name: str,
    server: Server,
    installer: Installer,
    *,
    prepares: bool,
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> local.Command:
    """Runs again when its document changes, so for a rebuilt machine, too; a server with Exchange is left alone."""
    about = {"machineId": server.machine_id, "request": installation_request(server, installer, prepares=prepares)}
    return local.Command(
        name,
        create=INSTALL,
        stdin=write_local_document(about, server, installer.access),
        # People see on standard error, during the run, how far the installation is.
        logging=local.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=pulumi.ResourceOptions(
            parent=parent,
            deleted_with=server.vm,
            depends_on=[*([server.component] if server.component else []), *after],
        ),
    )


def installation_request(server: Server, installer: Installer, *, prepares: bool) -> Mapping[str, Any]:
    """The document of Install-ExchangeServer.ps1 without `begin` and `credential`, in the order of the script's help.

    Exchange 2013 gets both roles by default; the later versions have one.
    """
    args, media = installer.args, installer.args.media
    roles = args.roles or (("ClientAccess", "Mailbox") if installer.exchange_version == "2013" else ("Mailbox",))
    return {
        "server": server.args.computer_name,
        "exchangeVersion": installer.exchange_version,
        "media": {"path": media.path, "url": media.url, "sha256": media.sha256},
        "roles": list(roles),
        "organisationName": args.organisation_name,
        "prepareActiveDirectory": prepares,
        "targetDir": args.target_dir,
        "extendedProtection": args.extended_protection,
        "packages": {key: {"url": one.url, "sha256": one.sha256} for key, one in sorted(args.packages.items())},
        "serviceUri": installer.service_uri,
    }
