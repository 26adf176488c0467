"""Ways to lose a server, each made with real sockets. `restore_server` brings a server back from each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.server import ServerStandIn


def stop_server(server: ServerStandIn) -> None:
    """An orderly shutdown: FIN on open connections; every port refuses, as with stealth mode off."""
    server.stop()


def stop_web_site(server: ServerStandIn) -> None:
    """IIS stops on a running server: FIN on open connections; the closed port is silent unless `rejectClosedPorts`."""
    server.stop_https()


def crash_web_site(server: ServerStandIn) -> None:
    """The web site crashes: RST on open connections; the port refuses."""
    server.reset_https()


def silence_server(server: ServerStandIn) -> None:
    """The host is gone: no answer on open or new connections, on any port."""
    server.silence()


def make_unavailable(server: ServerStandIn, organisation: Organisation) -> None:
    """Managed Availability takes every service down: the server runs and answers 503."""
    organisation.set_component(server.computer_name, "ServerWideOffline", "Inactive", "HealthAPI")


def restore_server(server: ServerStandIn, organisation: Organisation) -> None:
    organisation.set_component(server.computer_name, "ServerWideOffline", "Active", "HealthAPI")
    server.start()


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss that clients recover from without help. `event` continues a sentence that begins with the server's name.

    `retransmissions` is the clients' MaxSynRetransmissions where the lost server is silent, None where it refuses.
    """

    title: str
    event: str
    cause: Callable[[ServerStandIn], None]
    retransmissions: int | None = None


SILENCE = Loss(title="silence, Windows defaults", event="falls silent", cause=silence_server, retransmissions=4)
LOSSES = (
    Loss(title="orderly stop, every port refuses", event="stops", cause=stop_server),
    Loss(title="crash (reset), port refuses", event="crashes", cause=crash_web_site),
    Loss(
        title="web site stopped, Windows defaults", event="stops its web site", cause=stop_web_site, retransmissions=4
    ),
    SILENCE,
    Loss(title="silence, tuned", event="falls silent", cause=silence_server, retransmissions=2),
)
