"""From a name to an answer: DNS, TCP, TLS and HTTP, as Windows does it."""

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
    clean_text,
)
from operations.drill.outlook.response import BoundedConnection, TooLargeError
from operations.drill.outlook.url import Url


class LostError(Exception):
    """An open connection was closed, reset or silent."""


class SlowError(LostError):
    """No answer came within the patience of the client; the server may have been about to send one."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """An open TLS connection to one address. `headers` go with every request; they have the logon after a 401.

    `port` is the one in the URL, None where the URL has none.
    """

    host: str
    port: int | None
    address: str
    http: BoundedConnection
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """`server` is the name in X-FEServer."""

    server: str
    body: bytes


class Transport:
    """Tries addresses in the order of the DNS answer, one attempt each; keeps DNS answers for their TTL. Thread-safe.

    `dns` is (address, port) of the name server, None: those of this computer. `port` is for URLs without one.
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
        self._resolver = _create_resolver(dns, timers.dns)
        self._trying: set[socket.socket] = set()
        self._given_up = False

    def ask_any(self, url: Url, method: str, body: bytes) -> tuple[Link, tuple[Attempt, ...], HttpAnswer]:
        """A connection to the first address that answers, the attempts that failed before it, and the answer."""
        host = url.host
        attempts: list[Attempt] = []
        for address in self._resolve(host):
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
                raw = self._wrap_tls(raw, host)
                link = self._open_link(raw, url, address)
                step = "http"
                return link, tuple(attempts), self.ask(link, method, url.path, body)
            except (OSError, ValueError, LostError) as error:  # ValueError: a name that TLS refuses
                raw.close()
                reason = (
                    "no answer" if isinstance(error, TimeoutError) else clean_text(str(error)) or type(error).__name__
                )
                seconds = time.monotonic() - started
                attempts.append(Attempt(host=host, address=address, step=step, reason=reason, seconds=seconds))
            except OutlookError:
                raw.close()
                raise
            finally:
                self._trying.discard(raw)
        raise NoAddressAnswersError(host, tuple(attempts))

    def give_up(self) -> None:
        """Ends the attempts that other threads wait for, and every later attempt."""
        self._given_up = True
        for raw in tuple(self._trying):
            with contextlib.suppress(OSError):
                # TLS's own shutdown would change the object under the thread that uses it.
                socket.socket.shutdown(raw, socket.SHUT_RDWR)

    def _resolve(self, host: str) -> list[str]:
        with contextlib.suppress(ValueError):
            return [str(IPv4Address(host))]
        try:
            return [str(record) for record in self._resolver.resolve(host, "A", search=False)]
        except (dns.exception.DNSException, OSError, ValueError) as error:  # ValueError: not a DNS name
            raise NameNotResolvedError(host, clean_text(str(error)) or type(error).__name__) from error

    def _wrap_tls(self, raw: socket.socket, host: str) -> ssl.SSLSocket:
        """A TLS socket around `raw`, before the handshake, so that `give_up` can end the handshake, too."""
        raw.settimeout(self._timers.answer)
        secured = self._tls.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
        self._trying.add(secured)
        self._trying.discard(raw)
        return secured

    def _open_link(self, secured: ssl.SSLSocket, url: Url, address: str) -> Link:
        try:
            secured.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise CertificateError(url.host, address, error.verify_message) from error
        connection = BoundedConnection(url.host, url.port, context=self._tls)
        connection.sock = secured
        connection.auto_open = 0  # http.client would reconnect silently after a loss
        headers = {"Content-Type": "text/xml", "X-MapiHttpCapability": "1"}
        return Link(host=url.host, port=url.port, address=address, http=connection, headers=headers)

    def ask(self, link: Link, method: str, path: str, body: bytes, *, patience: float | None = None) -> HttpAnswer:
        """The answer over an open connection. `patience`: seconds for the whole answer, instead of the answer timer.

        Raises LostError when the connection fails, SlowError (a LostError) when the time is over, HttpError for any
        status but 200, and AnswerError for an answer larger than Exchange sends.
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
        except (
            OSError,
            http.client.HTTPException,
            ValueError,
        ) as error:  # ValueError: malformed HTTP that http.client does not check
            link.http.close()
            if isinstance(error, TimeoutError):
                raise SlowError("no answer") from error
            raise LostError(clean_text(str(error)) or type(error).__name__) from error
        if response.status != HTTPStatus.OK:
            location = response.headers.get("Location", "")
            raise HttpError(link.host, link.address, response.status, response.reason, location)
        return HttpAnswer(server=clean_text(response.headers.get("X-FEServer", "")), body=content)


def _create_resolver(server: tuple[str, int] | None, seconds: float) -> dns.resolver.Resolver:
    """A resolver that keeps answers for their TTL, like the DNS client of Windows."""
    resolver = dns.resolver.Resolver(configure=server is None)
    if server:
        resolver.nameservers, resolver.port = [server[0]], server[1]
    resolver.lifetime = seconds
    resolver.cache = dns.resolver.Cache()
    return resolver
