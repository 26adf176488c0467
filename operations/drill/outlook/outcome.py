"""What came of a client's attempts: times, attempts, connections, errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Step = Literal["connect", "tls", "http"]
# Characters of what a server says that are shown.
LONGEST = 200


def told(text: str) -> str:
    """A server's own text for one line of a terminal: what is not printable is a space, and a long text is cut."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"


# MaxSynRetransmissions of Windows -> seconds until it gives a silent address up, as measured: no plain doubling.
SYN_SECONDS = {2: 7.0, 4: 21.0, 6: 123.0}


@dataclass(frozen=True, kw_only=True)
class Timers:
    """Seconds. `connect`: after how long a silent address is given up, one of SYN_SECONDS.

    `answer`: how long an answer may take over an open connection, silent or drop by drop; Windows' 5 retransmissions,
    doubled from 0.3 s.
    """

    connect: float = SYN_SECONDS[4]
    answer: float = 18.9
    dns: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An address of `host` that failed hard: at which step, why, and after how many seconds."""

    host: str
    address: str
    step: Step
    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Where the client is connected; `seconds` from the first look-up to the first answer, failed attempts included."""

    server: str
    address: str
    host: str
    protocol: Literal["mapi", "rpc"]
    seconds: float
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One request: who answered and after how many seconds; `moved` when the kept connection was lost before it."""

    server: str
    seconds: float
    moved: Connection | None


class OutlookError(Exception):
    """The client gave up; `host` is the name it wanted."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host


class NameNotResolvedError(OutlookError):
    """DNS has no address for the name, or did not answer."""


class NoAddressAnswersError(OutlookError):
    """Every address failed hard; `attempts` says each one's step and reason."""

    def __init__(self, host: str, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(host, "; ".join(f"{row.address} failed at {row.step}: {row.reason}" for row in attempts))
        self.attempts = attempts


class CertificateError(OutlookError):
    """The server at `address` showed a certificate that is not trusted or not for this name."""

    def __init__(self, host: str, address: str, reason: str) -> None:
        super().__init__(host, f"{address} failed at tls: {reason}")
        self.address = address


class HttpError(OutlookError):
    """The server at `address` answered, with an error. The client stays with it. `location`: where a redirect leads."""

    def __init__(self, host: str, address: str, status: int, reason: str, location: str = "") -> None:
        super().__init__(host, f"{address} answered {status} {told(reason)}".rstrip())
        self.address = address
        self.status = status
        self.location = location


class AnswerError(OutlookError):
    """A server answered with what leads a client nowhere; asked again, it would answer the same."""
