"""The Outlook-like client: one profile, one kept connection."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping

from operations.drill.outlook.answer import MailboxEndpoint
from operations.drill.outlook.discovery import discover
from operations.drill.outlook.outcome import Attempt, Connection, Reply, Timers
from operations.drill.outlook.transport import Link, LostError, Transport


class OutlookClient:
    """One profile, for one thread. `dns` is (address, port) of the name server.

    `ports` maps a well-known port to the one used here, such as {443: 44301}; a port in a URL is used as it is.
    `inside` chooses the internal URLs. All methods raise OutlookError with the step and the address that failed.
    """

    def __init__(
        self,
        *,
        mailbox: str,
        user: str,
        password: str,
        dns: tuple[str, int],
        authority_pem: str,
        ports: Mapping[int, int],
        autodiscover_host: str | None = None,
        inside: bool = True,
        timers: Timers | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._autodiscover_host = autodiscover_host or f"autodiscover.{mailbox.split('@')[-1]}"
        self._inside = inside
        self._transport = Transport(
            user=user,
            password=password,
            dns=dns,
            tls=ssl.create_default_context(cadata=authority_pem),
            port=ports.get(443, 443),
            timers=timers or Timers(),
        )
        self._endpoint: MailboxEndpoint | None = None
        self._link: Link | None = None

    def __enter__(self) -> OutlookClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def connect(self) -> Connection:
        """Find the endpoint through Autodiscover and connect to it."""
        started = time.monotonic()
        self._endpoint, attempts = discover(
            self._transport, self._autodiscover_host, self._mailbox, inside=self._inside
        )
        return self._reconnect(started, attempts)

    def reconnect(self) -> Connection:
        """Connect again to the endpoint from Autodiscover. Raises RuntimeError before the first `connect`."""
        return self._reconnect(time.monotonic())

    def request(self) -> Reply:
        """One request over the kept connection, or over a new one where that is lost."""
        started = time.monotonic()
        if self._link and self._endpoint:
            try:
                answer = self._transport.ask(self._link, "POST", self._endpoint.url.path, b"")
                return Reply(server=answer.server, seconds=time.monotonic() - started, moved=None)
            except LostError:
                pass
        moved = self.reconnect()
        return Reply(server=moved.server, seconds=time.monotonic() - started, moved=moved)

    def close(self) -> None:
        if self._link:
            self._link.http.close()
        self._link = None

    def _reconnect(self, started: float, before: tuple[Attempt, ...] = ()) -> Connection:
        if self._endpoint is None:
            raise RuntimeError("connect() finds the endpoint first")
        self.close()
        endpoint = self._endpoint
        self._link, attempts, answer = self._transport.ask_any(endpoint.url, "POST", b"")
        return Connection(
            server=answer.server,
            address=self._link.address,
            host=endpoint.url.host,
            protocol=endpoint.protocol,
            seconds=time.monotonic() - started,
            attempts=before + attempts,
        )
