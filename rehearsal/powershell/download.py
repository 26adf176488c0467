"""Downloads one file with a known SHA-256, and resumes an interrupted download. Standard library only."""

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
from rehearsal.powershell.network_errors import explain_failure

PROGRESS_SECONDS = 3.0  # seconds from one line of progress to the next
MAXIMUM_ATTEMPTS = 3  # for a connection that breaks off again and again
PIECE_BYTES = 1 << 16
MEGABYTE = 1_000_000
FAILURES = (OSError, http.client.HTTPException, ValueError)


class DownloadError(Exception):
    """The text is a sentence without its full stop. The downloaded part is kept for the next attempt."""


class BrokenOffError(DownloadError):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class DownloadPart:
    """An answer whose body begins with byte `begins` of the file. `total` is its size, if the server gives it."""

    response: http.client.HTTPResponse
    begins: int
    total: int | None


@dataclass(frozen=True)
class Download:
    """Downloads `url` to `file`. Calls `say` with a line of progress every few seconds."""

    url: str
    file: Path
    sha256: str
    say: Callable[[str], None]

    def finish(self) -> None:
        """Downloads and verifies the file. Raises DownloadError, or OSError if the file cannot be written."""
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
        """Receives the rest of the file. Reconnects a few times if the connection breaks off."""
        for attempt in range(1, MAXIMUM_ATTEMPTS + 1):
            try:
                return self._transfer()
            except BrokenOffError as error:
                if attempt == MAXIMUM_ATTEMPTS:
                    raise
                self.say(f"{error}: going on from there")
        return None

    def _transfer(self) -> None:
        """Receives over one connection, until it ends."""
        part = self._ask(self.file.stat().st_size if self.file.exists() else 0)
        with part.response, self.file.open("ab" if part.begins else "wb") as content:
            self._write(part, content)

    def _ask(self, kept: int) -> DownloadPart:
        """The file from byte `kept` on, or the whole file if the server does not give that part."""
        try:
            if kept:
                try:
                    part = read_part(open_url(self.url, {"Range": f"bytes={kept}-"}))
                except HTTPError as error:
                    if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                        raise
                else:
                    if part.begins in (0, kept):
                        return part
                    part.response.close()
            return read_part(open_url(self.url, {}))
        except FAILURES as error:
            raise DownloadError(explain_failure(error, self.url)) from None

    def _write(self, part: DownloadPart, content: BinaryIO) -> None:
        received, printed = part.begins, time.monotonic()
        while piece := self._piece(part, received):
            content.write(piece)
            received += len(piece)
            if time.monotonic() - printed >= PROGRESS_SECONDS:
                printed = time.monotonic()
                self.say(format_amount(received, part.total))
        if part.total is not None and received != part.total:
            raise self._broken_off(received, part)

    def _piece(self, part: DownloadPart, received: int) -> bytes:
        try:
            return part.response.read1(PIECE_BYTES)
        except (ConnectionError, http.client.IncompleteRead):
            raise self._broken_off(received, part) from None
        except FAILURES as error:
            raise DownloadError(explain_failure(error, self.url)) from None

    def _broken_off(self, received: int, part: DownloadPart) -> BrokenOffError:
        return BrokenOffError(f"the connection to {self._host} broke off after {format_amount(received, part.total)}")

    @property
    def _host(self) -> str:
        return str(urlsplit(self.url).hostname)


def open_url(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """An answer with a good status, its body unread. Raises urllib's errors, and TimeoutError after SILENCE_SECONDS.

    Runs in a thread, because resolving a name and trying several addresses can take minutes.
    """
    opened: Future[http.client.HTTPResponse] = Future()

    def attempt() -> None:
        try:
            request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the address is pinned
            opened.set_result(urllib.request.build_opener().open(request, timeout=network_errors.SILENCE_SECONDS))
        except FAILURES as error:
            if isinstance(error, HTTPError):
                error.close()
            opened.set_exception(error)

    threading.Thread(target=attempt, daemon=True).start()
    return opened.result(timeout=network_errors.SILENCE_SECONDS)


def read_part(response: http.client.HTTPResponse) -> DownloadPart:
    """The part of the file in an answer. `begins` is -1 if the answer has no Content-Range."""
    if response.status != http.client.PARTIAL_CONTENT:
        length = response.headers.get("Content-Length")
        return DownloadPart(response, 0, int(length) if length else None)
    content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not content_range:
        return DownloadPart(response, -1, None)
    begins, total = content_range.groups()
    return DownloadPart(response, int(begins), None if total == "*" else int(total))


def format_amount(received: int, total: int | None) -> str:
    if not total:
        return f"{received / MEGABYTE:.0f} MB"
    return f"{received / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB, {received * 100 // total} %"
