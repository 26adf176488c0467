"""An Outlook-like client: finds its server through DNS and Autodiscover, stays connected, and survives a lost server.

What it keeps of Windows: addresses are tried in the order DNS gave them, one attempt each, with the time that Windows
waits for a silent address; only a hard failure (refused, reset, silence) leads on to the next address. An HTTP error
or a wrong certificate does not: the user would see it.
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
