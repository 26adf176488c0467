"""Autodiscover as Outlook uses it: a client asks for its mailbox and follows redirects."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from operations.drill.outlook.answer import (
    RESPONSE_SCHEMA,
    MailboxEndpoint,
    OtherMailbox,
    OtherUrl,
    UselessError,
    read_answer,
)
from operations.drill.outlook.outcome import AnswerError, Attempt, HttpError, clean_text
from operations.drill.outlook.transport import Transport
from operations.drill.outlook.url import Url

PATH = "/autodiscover/autodiscover.xml"
REQUEST_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
# Microsoft's limit for clients.
MOST_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def build_autodiscover_request(mailbox: str) -> bytes:
    root = Xml.Element("Autodiscover", xmlns=REQUEST_SCHEMA)
    request = Xml.SubElement(root, "Request")
    Xml.SubElement(request, "EMailAddress").text = mailbox
    Xml.SubElement(request, "AcceptableResponseSchema").text = RESPONSE_SCHEMA
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def discover(
    transport: Transport, host: str, mailbox: str, *, inside: bool
) -> tuple[MailboxEndpoint, tuple[Attempt, ...]]:
    """Follows redirects from Autodiscover at `host` to an endpoint; also returns the attempts that failed before it.

    Raises OutlookError: AnswerError where a second try would get the same answer.
    """
    url = Url(host=host, path=PATH)
    attempts: tuple[Attempt, ...] = ()
    asked: list[tuple[Url, str]] = []
    while True:
        asked.append((url, mailbox))
        failed, found = ask_autodiscover(transport, url, mailbox, inside=inside)
        attempts += failed
        if isinstance(found, MailboxEndpoint):
            return found, attempts
        if isinstance(found, OtherMailbox):
            url, mailbox = Url(host=f"autodiscover.{found.domain}", path=PATH), found.address
        else:
            url = found.url
        if (url, mailbox) in asked:
            raise AnswerError(host, f"Autodiscover redirects in a circle, back to {clean_text(str(url))}")
        if len(asked) > MOST_REDIRECTS:
            raise AnswerError(
                host, f"Autodiscover redirects more than {MOST_REDIRECTS} times, now to {clean_text(str(url))}"
            )


def ask_autodiscover(
    transport: Transport, url: Url, mailbox: str, *, inside: bool
) -> tuple[tuple[Attempt, ...], MailboxEndpoint | OtherUrl | OtherMailbox]:
    """One request: the attempts that failed before the answer, and the answer."""
    try:
        link, failed, answer = transport.ask_any(url, "POST", build_autodiscover_request(mailbox))
    except HttpError as error:
        if error.status not in REDIRECTS:
            raise
        return (), follow_location(url, error)
    link.http.close()
    try:
        return failed, read_answer(answer.body, "Internal" if inside else "External")
    except UselessError as error:
        raise AnswerError(url.host, f"{link.address} {error}") from None


def follow_location(url: Url, error: HttpError) -> OtherUrl:
    """The URL in the Location header of an HTTP redirect; it can be relative."""
    answered = f"{error.address} answered {error.status}"
    if not error.location:
        raise AnswerError(url.host, f"{answered} and does not say where to")
    try:
        return OtherUrl(Url.parse(error.location, url))
    except ValueError as wrong:
        raise AnswerError(url.host, f"{answered} and sends its clients to {wrong}") from None
