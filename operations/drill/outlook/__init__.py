"""An Outlook-like client: finds its server through DNS and Autodiscover, stays connected, and survives a lost server.

Like Windows, it tries addresses in the order of the DNS answer, one attempt each, and waits as long for a silent
address. Only a hard failure (refused, reset, silent) makes it try the next one. After an HTTP error or a wrong
certificate it does not: the user sees the error.
"""

from operations.drill.outlook.client import OutlookClient
from operations.drill.outlook.outcome import (
    SYN_SECONDS,
    AnswerError,
    Attempt,
    CertificateError,
    Connection,
    HttpError,
    NameNotResolvedError,
    NoAddressAnswersError,
    OutlookError,
    Reply,
    Timers,
)

__all__ = [
    "SYN_SECONDS",
    "AnswerError",
    "Attempt",
    "CertificateError",
    "Connection",
    "HttpError",
    "NameNotResolvedError",
    "NoAddressAnswersError",
    "OutlookClient",
    "OutlookError",
    "Reply",
    "Timers",
]
