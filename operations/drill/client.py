"""One client of a drill, as if on a separate computer: it asks for a server's health page in a steady rhythm."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, replace
from http import HTTPStatus

from operations.drill.beats import Beat, Move
from operations.drill.outlook import AnswerError, HttpError, NoAddressAnswersError, OutlookError
from operations.drill.outlook.answer import MailboxEndpoint
from operations.drill.outlook.discovery import discover
from operations.drill.outlook.transport import HttpAnswer, Link, LostError, SlowError, Transport
from operations.drill.outlook.url import Url

# How often Outlook runs Autodiscover, and when it retries after a failure (seconds).
REDISCOVER, DISCOVER_RETRY = 3600.0, 300.0
# A kept connection without an answer for one beat, within these bounds (seconds), counts as busy: the client then sends
# the request over another one.
SHORTEST_PATIENCE, LONGEST_PATIENCE = 0.5, 1.0
GIVE_UP_AGAIN_SECONDS = 0.1
SERVER_NAME = re.compile(r"<br\s*/?>\s*([A-Za-z0-9-]{1,63})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The mailbox and its account. `inside` chooses the internal URLs; `autodiscover`: a host name that replaces the
    default."""

    mailbox: str
    user: str
    password: str
    inside: bool = True
    autodiscover: str | None = None

    @property
    def autodiscover_host(self) -> str:
        return self.autodiscover or f"autodiscover.{self.mailbox.split('@')[-1]}"


class DrillClient:
    """`beats` and `moves` grow while it runs; `give_up` ends it at once, whatever it waits for.

    `refused`: an answer of Autodiscover after which the client stops asking: the account was refused (and the directory
    would lock it), or no answer led to a server yet. `fault`: an error of this program that ended the client.
    """

    def __init__(self, profile: Profile, transport: Transport, beat: float, delay: float) -> None:
        self._profile, self._transport = profile, transport
        self._beat, self._delay = beat, delay
        self._endpoint: MailboxEndpoint | None = None
        self._link: Link | None = None
        self._discover_from = self._retry_from = 0.0
        self._discovering: threading.Thread | None = None
        self.refused: OutlookError | None = None
        self.fault: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.beats: list[Beat] = []
        self.moves: list[Move] = []

    @property
    def hopeless(self) -> bool:
        """It has no server and has stopped asking for one."""
        return self.refused is not None and self._endpoint is None

    def start(self) -> None:
        self._thread.start()

    def give_up(self) -> None:
        self._over.set()
        self._transport.give_up()

    def join(self) -> None:
        """Call after `give_up`. Repeats it until the threads end: between two steps there is no socket to close."""
        self._wait_for(self._thread)
        self._wait_for(self._discovering)  # second: the first thread can start this one at its end

    def _wait_for(self, thread: threading.Thread | None) -> None:
        while thread and thread.is_alive():
            self._transport.give_up()
            thread.join(GIVE_UP_AGAIN_SECONDS)

    def _run(self) -> None:
        try:
            self._ask_in_rhythm()
        except Exception as error:  # noqa: BLE001 - a thread has no caller; Clients raises it for those who wait
            self.fault = error
        finally:
            self._close()

    def _ask_in_rhythm(self) -> None:
        due = time.monotonic() + self._delay
        while not self._over.wait(max(0.0, due - time.monotonic())):
            asked = time.monotonic()
            try:
                server, error = self._ask(asked), ""
            except OutlookError as failure:
                server, error = "", str(failure)
            if not self._over.is_set():
                self.beats.append(Beat(asked=asked, at=time.monotonic(), server=server, error=error))
            due = max(due + self._beat, time.monotonic())

    def _ask(self, asked: float) -> str:
        """The name of the server that answered. After a lost connection the request is sent again over a new one."""
        if self._endpoint is None:
            self._discover()
        elif asked >= self._discover_from:
            self._discover_in_background()
        endpoint = self._endpoint
        assert endpoint
        page, slow = replace(endpoint.url, path=f"/{endpoint.protocol}/healthcheck.htm"), ""
        if self._link and (self._link.host, self._link.port) != (page.host, page.port):
            self._close()
        if self._link:
            try:
                patience = min(max(self._beat, SHORTEST_PATIENCE), LONGEST_PATIENCE)
                return read_server_name(
                    self._link, self._transport.ask(self._link, "GET", page.path, b"", patience=patience)
                )
            except OutlookError:
                self._close()
                raise
            except LostError as lost:
                slow = self._link.address if isinstance(lost, SlowError) else ""
                self._close()
                self._rediscover_after_failure()
        return self._connect(asked, page, slow)

    def _connect(self, asked: float, page: Url, slow: str) -> str:
        try:
            self._link, failed, answer = self._transport.ask_any(page, "GET", b"")
        except NoAddressAnswersError as error:
            self.moves.append(Move(at=asked, failed=error.attempts, address=""))
            self._rediscover_after_failure()
            raise
        self.moves.append(Move(at=asked, failed=failed, address=self._link.address, slow=slow))
        return read_server_name(self._link, answer)

    def _discover(self) -> None:
        if self.refused:
            raise self.refused
        self._discover_from = time.monotonic() + DISCOVER_RETRY
        profile = self._profile
        try:
            self._endpoint, _ = discover(
                self._transport, profile.autodiscover_host, profile.mailbox, inside=profile.inside
            )
        except OutlookError as error:
            refused = isinstance(error, HttpError) and error.status == HTTPStatus.UNAUTHORIZED
            if refused or (isinstance(error, AnswerError) and self._endpoint is None):
                self.refused = error
            raise
        self._discover_from = time.monotonic() + REDISCOVER
        self._retry_from = 0.0

    def _rediscover_after_failure(self) -> None:
        """Outlook runs Autodiscover again after a failed connection, unless Autodiscover itself failed recently."""
        if time.monotonic() >= self._retry_from:
            self._discover_in_background()

    def _discover_in_background(self) -> None:
        if not (self._discovering and self._discovering.is_alive()) and not self._over.is_set():
            self._discovering = threading.Thread(target=self._try_to_discover, daemon=True)
            self._discovering.start()

    def _try_to_discover(self) -> None:
        try:
            self._discover()
        except OutlookError:
            self._retry_from = self._discover_from
        except Exception as error:  # noqa: BLE001 - as in _run
            self.fault = error

    def _close(self) -> None:
        if self._link:
            self._link.http.close()
        self._link = None


def read_server_name(link: Link, answer: HttpAnswer) -> str:
    found = SERVER_NAME.search(answer.body.decode(errors="replace"))
    if not found:
        raise OutlookError(link.host, f"{link.address} answered 200, but its health page does not name a server")
    return found[1].upper()
