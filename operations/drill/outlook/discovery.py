"""Autodiscover from the client's side: asked as Outlook asks, and followed to wherever it sends its clients."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from operations.drill.outlook import answer
from operations.drill.outlook.answer import RESPONSE_SCHEMA, Endpoint, OtherMailbox, OtherUrl, UselessError
from operations.drill.outlook.outcome import AnswerError, Attempt, HttpError, told
from operations.drill.outlook.transport import Transport
from operations.drill.outlook.url import Url

PATH = "/autodiscover/autodiscover.xml"
REQUEST_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
# Microsoft's limit for clients.
MOST_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def request(mailbox: str) -> bytes:
    root = Xml.Element("Autodiscover", xmlns=REQUEST_SCHEMA)
    request = Xml.SubElement(root, "Request")
    Xml.SubElement(request, "EMailAddress").text = mailbox
    Xml.SubElement(request, "AcceptableResponseSchema").text = RESPONSE_SCHEMA
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def discover(transport: Transport, host: str, mailbox: str, *, inside: bool) -> tuple[Endpoint, tuple[Attempt, ...]]:
    """The endpoint that Autodiscover at `host` names, redirects followed, and the attempts that failed hard before it.

    Raises OutlookError: AnswerError where asking again would bring the same.
    """
    url = Url(host=host, path=PATH)
    attempts: tuple[Attempt, ...] = ()
    asked: list[tuple[Url, str]] = []
    while True:
        asked.append((url, mailbox))
        failed, found = ask(transport, url, mailbox, inside=inside)
        attempts += failed
        if isinstance(found, Endpoint):
            return found, attempts
        if isinstance(found, OtherMailbox):
            url, mailbox = Url(host=f"autodiscover.{found.domain}", path=PATH), found.address
        else:
            url = found.url
        if (url, mailbox) in asked:
            raise AnswerError(host, f"Autodiscover redirects in a circle, back to {told(str(url))}")
        if len(asked) > MOST_REDIRECTS:
            raise AnswerError(host, f"Autodiscover redirects more than {MOST_REDIRECTS} times, now to {told(str(url))}")


def ask(
    transport: Transport, url: Url, mailbox: str, *, inside: bool
) -> tuple[tuple[Attempt, ...], Endpoint | OtherUrl | OtherMailbox]:
    """One question: the attempts that failed hard before its answer, and what that says."""
    try:
        link, failed, told_us = transport.ask_any(url, "POST", request(mailbox))
    except HttpError as error:
        if error.status not in REDIRECTS:
            raise
        return (), moved(url, error)
    link.http.close()
    try:
        return failed, answer.read(told_us.body, "Internal" if inside else "External")
    except UselessError as error:
        raise AnswerError(url.host, f"{link.address} {error}") from None


def moved(url: Url, error: HttpError) -> OtherUrl:
    """Where a redirect of HTTP leads: in a Location, which may be relative."""
    said = f"{error.address} answered {error.status}"
    if not error.location:
        raise AnswerError(url.host, f"{said} and does not say where to")
    try:
        return OtherUrl(Url.parse(error.location, url))
    except ValueError as wrong:
        raise AnswerError(url.host, f"{said} and sends its clients to {wrong}") from None
