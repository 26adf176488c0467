"""Downloads one file whose SHA-256 is known; goes on where an earlier attempt broke off. Standard library only."""

from __future__ import annotations

import hashlib
import http.client
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from rehearsal.powershell import network_errors
from rehearsal.powershell.network_errors import explain

BETWEEN_LINES = 3.0  # seconds from one line of progress to the next
ATTEMPTS = 3  # for a connection that breaks off again and again
PIECE = 1 << 16
MEGABYTE = 1_000_000
FAILURES = (OSError, http.client.HTTPException, ValueError)


class DownloadError(Exception):
    """What failed, in one sentence without its full stop. What has come so far is kept for the next attempt."""


class BrokenOffError(DownloadError):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class Part:
    """An answer: its body begins with byte `begins` of the file, which has `total` bytes if the server says so."""

    response: http.client.HTTPResponse
    begins: int
    total: int | None


@dataclass(frozen=True)
class Download:
    """The file at `url`, on its way to `file`; `say` gets a line of progress every few seconds."""

    url: str
    file: Path
    sha256: str
    say: Callable[[str], None]

    def finish(self) -> None:
        """Afterwards the file is there, and the right one. Raises DownloadError, OSError where it cannot be written."""
        if self._is_right():
            return
        resumed = self.file.exists()
        self._receive()
        if resumed and not self._is_right():
            self.say("what an earlier attempt left does not belong to the archive: beginning again")
            self.file.unlink()
            self._receive()
        if not self._is_right():
            self.file.unlink()
            raise DownloadError(f"what {self._host} sent does not have the pinned SHA-256, and was thrown away")

    def _is_right(self) -> bool:
        if not self.file.exists():
            return False
        with self.file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256

    def _receive(self) -> None:
        """All of it. A connection that breaks off is opened again at once, a few times."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._transfer()
            except BrokenOffError as error:
                if attempt == ATTEMPTS:
                    raise
                self.say(f"{error}: going on from there")
        return None

    def _transfer(self) -> None:
        """One connection's worth."""
        part = self._ask(self.file.stat().st_size if self.file.exists() else 0)
        with part.response, self.file.open("ab" if part.begins else "wb") as content:
            self._write(part, content)

    def _ask(self, kept: int) -> Part:
        """What comes after the first `kept` bytes, or the whole where the server gives no such part."""
        try:
            if kept:
                try:
                    part = extent(open_url(self.url, {"Range": f"bytes={kept}-"}))
                except HTTPError as error:
                    if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                        raise
                else:
                    if part.begins in (0, kept):
                        return part
                    part.response.close()
            return extent(open_url(self.url, {}))
        except FAILURES as error:
            raise DownloadError(explain(error, self.url)) from None

    def _write(self, part: Part, content: BinaryIO) -> None:
        received, told = part.begins, time.monotonic()
        while piece := self._piece(part, received):
            content.write(piece)
            received += len(piece)
            if time.monotonic() - told >= BETWEEN_LINES:
                told = time.monotonic()
                self.say(of(received, part.total))
        if part.total is not None and received != part.total:
            raise self._broken_off(received, part)

    def _piece(self, part: Part, received: int) -> bytes:
        try:
            return part.response.read1(PIECE)
        except (ConnectionError, http.client.IncompleteRead):
            raise self._broken_off(received, part) from None
        except FAILURES as error:
            raise DownloadError(explain(error, self.url)) from None

    def _broken_off(self, received: int, part: Part) -> BrokenOffError:
        return BrokenOffError(f"the connection to {self._host} broke off after {of(received, part.total)}")

    @property
    def _host(self) -> str:
        return str(urlsplit(self.url).hostname)


def open_url(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """The head of an answer with a good status; else urllib's errors, TimeoutError after SILENCE seconds.

    To resolve a name, and to try one address after another, may take minutes: that is left behind in a thread.
    """
    opened: Future[http.client.HTTPResponse] = Future()

    def attempt() -> None:
        try:
            request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the address is pinned
            opened.set_result(urllib.request.build_opener().open(request, timeout=network_errors.SILENCE))
        except FAILURES as error:
            if isinstance(error, HTTPError):
                error.close()
            opened.set_exception(error)

    threading.Thread(target=attempt, daemon=True).start()
    return opened.result(timeout=network_errors.SILENCE)


def extent(response: http.client.HTTPResponse) -> Part:
    """What of the file an answer brings; a part that it does not name begins at -1."""
    if response.status != http.client.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length")
        return Part(response, 0, int(length) if length else None)
    named = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not named:
        return Part(response, -1, None)
    return Part(response, int(named[1]), None if named[2] == "*" else int(named[2]))


def of(received: int, total: int | None) -> str:
    if not total:
        return f"{received / MEGABYTE:.0f} MB"
    return f"{received / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB, {received * 100 // total} %"
