"""Ways to lose a server, each really made with sockets. `restore` brings a server back from every one of them."""

from __future__ import annotations

from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.server import ServerStandIn


def stop(server: ServerStandIn) -> None:
    """The server stops in order: FIN on open connections; every port refuses, as with stealth mode off."""
    server.stop()


def stop_web_site(server: ServerStandIn) -> None:
    """IIS stops in order on a living server: the closed port is silent, unless the stack rejects closed ports."""
    server.stop_https()


def refuse(server: ServerStandIn) -> None:
    """The web site crashes: RST on open connections, and the port refuses."""
    server.reset_https()


def silence(server: ServerStandIn) -> None:
    """The host is gone: open connections and new ones get no answer, on every port."""
    server.silence()


def unavailable(server: ServerStandIn, organisation: Organisation) -> None:
    """Managed Availability takes every service down: the server lives, and answers 503."""
    organisation.set_component(server.computer_name, "ServerWideOffline", "Inactive", "HealthAPI")


def restore(server: ServerStandIn, organisation: Organisation) -> None:
    organisation.set_component(server.computer_name, "ServerWideOffline", "Active", "HealthAPI")
    server.start()
