"""The results of a client's attempts: timers, attempts, connections, errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Step = Literal["connect", "tls", "http"]
# Characters that are shown of a server's text.
LONGEST = 200


def clean_text(text: str) -> str:
    """A server's text in one line for a terminal: unprintable characters become spaces, a long text is cut."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"


# MaxSynRetransmissions of Windows -> measured seconds until it gives up on a silent address.
SYN_SECONDS = {2: 7.0, 4: 21.0, 6: 123.0}


@dataclass(frozen=True, kw_only=True)
class Timers:
    """Seconds. `connect`: how long to wait for a silent address, one of SYN_SECONDS.

    `answer`: how long a whole answer may take over an open connection: Windows' 5 retransmissions, doubled from 0.3 s.
    """

    connect: float = SYN_SECONDS[4]
    answer: float = 18.9
    dns: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """An address of `host` that was refused, reset or silent: at which step, why, and after how many seconds."""

    host: str
    address: str
    step: Step
    reason: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An open connection; `seconds` from the first DNS query to the first answer, failed attempts included."""

    server: str
    address: str
    host: str
    protocol: Literal["mapi", "rpc"]
    seconds: float
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One request: which server answered, after how many seconds; `moved`: the new connection after a loss."""

    server: str
    seconds: float
    moved: Connection | None


class OutlookError(Exception):
    """The client gave up; `host` is the name that it wanted to reach."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host


class NameNotResolvedError(OutlookError):
    """DNS has no address for the name, or did not answer."""


class NoAddressAnswersError(OutlookError):
    """Every address was refused, reset or silent; `attempts` has the step and the reason of each."""

    def __init__(self, host: str, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(host, "; ".join(f"{row.address} failed at {row.step}: {row.reason}" for row in attempts))
        self.attempts = attempts


class CertificateError(OutlookError):
    """The certificate of the server at `address` is not trusted or not for this name."""

    def __init__(self, host: str, address: str, reason: str) -> None:
        super().__init__(host, f"{address} failed at tls: {reason}")
        self.address = address


class HttpError(OutlookError):
    """The server at `address` answered with an error; the client stays on it. `location`: the target of a redirect."""

    def __init__(self, host: str, address: str, status: int, reason: str, location: str = "") -> None:
        super().__init__(host, f"{address} answered {status} {clean_text(reason)}".rstrip())
        self.address = address
        self.status = status
        self.location = location


class AnswerError(OutlookError):
    """A server's answer names no endpoint, and a second try would get the same answer."""
