"""From a name to an answer: DNS, TCP, TLS and HTTP, with Windows' manners on the way."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address

import dns.exception
import dns.resolver

from operations.drill.outlook.outcome import (
    AnswerError,
    Attempt,
    CertificateError,
    HttpError,
    NameNotResolvedError,
    NoAddressAnswersError,
    OutlookError,
    Step,
    Timers,
    told,
)
from operations.drill.outlook.response import BoundedConnection, TooLargeError
from operations.drill.outlook.url import Url


class LostError(Exception):
    """An open connection failed hard."""


class SlowError(LostError):
    """No answer came in the time that was given; nobody knows whether one would have come."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """An open TLS connection to one address; `headers` go with every request, the logon once it was asked for.

    `port` is the one that the URL named, None where it named none.
    """

    host: str
    port: int | None
    address: str
    http: BoundedConnection
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`server` is the name in X-FEServer."""

    server: str
    body: bytes


class Transport:
    """Addresses are tried in the order DNS gave them, one attempt each; answers of DNS are kept for their TTL.

    `dns` is (address, port) of the name server to ask; None asks those of this computer. `port` is dialled where a URL
    names none. For several threads at once.
    """

    def __init__(
        self,
        *,
        user: str,
        password: str,
        dns: tuple[str, int] | None,
        tls: ssl.SSLContext,
        port: int,
        timers: Timers,
    ) -> None:
        self._port = port
        self._timers = timers
        self._tls = tls
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._resolver = _resolver(dns, timers.dns)
        self._trying: set[socket.socket] = set()
        self._given_up = False

    def ask_any(self, url: Url, method: str, body: bytes) -> tuple[Link, tuple[Attempt, ...], Answer]:
        """The first address that answers, the addresses that failed hard before it, and the answer."""
        host = url.host
        attempts: list[Attempt] = []
        for address in self._addresses(host):
            started = time.monotonic()
            step: Step = "connect"
            raw = socket.socket()
            self._trying.add(raw)
            try:
                if self._given_up:
                    raise LostError("given up")
                raw.settimeout(self._timers.connect)
                raw.connect((address, url.port or self._port))
                step = "tls"
                raw = self._secured(raw, host)
                link = self._linked(raw, url, address)
                step = "http"
                return link, tuple(attempts), self.ask(link, method, url.path, body)
            except (OSError, ValueError, LostError) as error:  # ValueError: a name that TLS does not take
                raw.close()
                reason = "no answer" if isinstance(error, TimeoutError) else told(str(error)) or type(error).__name__
                seconds = time.monotonic() - started
                attempts.append(Attempt(host=host, address=address, step=step, reason=reason, seconds=seconds))
            except OutlookError:
                raw.close()
                raise
            finally:
                self._trying.discard(raw)
        raise NoAddressAnswersError(host, tuple(attempts))

    def give_up(self) -> None:
        """Ends attempts that other threads still wait for, and any later one."""
        self._given_up = True
        for raw in tuple(self._trying):
            with contextlib.suppress(OSError):
                # Not TLS's own shutdown, which takes from the other thread what it works with.
                socket.socket.shutdown(raw, socket.SHUT_RDWR)

    def _addresses(self, host: str) -> list[str]:
        with contextlib.suppress(ValueError):
            return [str(IPv4Address(host))]
        try:
            return [str(record) for record in self._resolver.resolve(host, "A", search=False)]
        except (dns.exception.DNSException, OSError, ValueError) as error:  # ValueError: no name of DNS
            raise NameNotResolvedError(host, told(str(error)) or type(error).__name__) from error

    def _secured(self, raw: socket.socket, host: str) -> ssl.SSLSocket:
        """In the place of `raw`, without a handshake yet: `give_up` has to be able to end that, too."""
        raw.settimeout(self._timers.answer)
        secured = self._tls.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
        self._trying.add(secured)
        self._trying.discard(raw)
        return secured

    def _linked(self, secured: ssl.SSLSocket, url: Url, address: str) -> Link:
        try:
            secured.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise CertificateError(url.host, address, error.verify_message) from error
        connection = BoundedConnection(url.host, url.port, context=self._tls)
        connection.sock = secured
        connection.auto_open = 0  # a lost connection must show, not be made again unseen
        headers = {"Content-Type": "text/xml", "X-MapiHttpCapability": "1"}
        return Link(host=url.host, port=url.port, address=address, http=connection, headers=headers)

    def ask(self, link: Link, method: str, path: str, body: bytes, *, patience: float | None = None) -> Answer:
        """The answer over an open connection; LostError when that failed hard, HttpError for any status but 200.

        `patience`: seconds to wait for the whole of it, where that is not to be the answer timer; SlowError when they
        are over. AnswerError for more than any answer of Exchange holds.
        """
        seconds = patience or self._timers.answer
        try:
            response, content = link.http.exchange(method, path, body, link.headers, seconds)
            if response.status == HTTPStatus.UNAUTHORIZED:
                if not link.http.sock:
                    raise LostError("it closes the connection with its 401, so no logon can follow")
                link.headers["Authorization"] = self._authorization
                response, content = link.http.exchange(method, path, body, link.headers, seconds)
        except TooLargeError as error:
            link.http.close()
            raise AnswerError(link.host, f"{link.address} {error}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: of HTTP that http.client trusts
            link.http.close()
            if isinstance(error, TimeoutError):
                raise SlowError("no answer") from error
            raise LostError(told(str(error)) or type(error).__name__) from error
        if response.status != HTTPStatus.OK:
            location = response.headers.get("Location", "")
            raise HttpError(link.host, link.address, response.status, response.reason, location)
        return Answer(server=told(response.headers.get("X-FEServer", "")), body=content)


def _resolver(server: tuple[str, int] | None, seconds: float) -> dns.resolver.Resolver:
    """Keeps answers for their TTL, as the DNS client of Windows does."""
    resolver = dns.resolver.Resolver(configure=server is None)
    if server:
        resolver.nameservers, resolver.port = [server[0]], server[1]
    resolver.lifetime = seconds
    resolver.cache = dns.resolver.Cache()
    return resolver
