"""Reads an answer of Autodiscover. Any server on the Internet can have sent it, so its content is not trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as Xml

from operations.drill.outlook.outcome import clean_text
from operations.drill.outlook.url import Url, check_host_name

RPC_PATH = "/rpc/rpcproxy.dll"
RESPONSE_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
Q = f"{{{RESPONSE_SCHEMA}}}"

Side = Literal["Internal", "External"]


@dataclass(frozen=True, kw_only=True)
class MailboxEndpoint:
    """Where a client connects to for its mailbox."""

    url: Url
    protocol: Literal["mapi", "rpc"]


@dataclass(frozen=True)
class OtherUrl:
    """A redirect: ask Autodiscover at this URL."""

    url: Url


@dataclass(frozen=True)
class OtherMailbox:
    """A redirect: ask Autodiscover of this domain for this address."""

    address: str
    domain: str


class UselessError(Exception):
    """The answer names no endpoint; the text continues a sentence that begins with the server's address."""


class _NoDocumentType(Xml.TreeBuilder):
    """Refuses document types: they declare entities, and nested entities can expand to more than the memory holds."""

    def doctype(self, *_: object) -> None:
        raise ValueError("a document type")


def read_answer(body: bytes, side: Side) -> MailboxEndpoint | OtherUrl | OtherMailbox:
    """The endpoint for clients on that side, or where to ask instead. Raises UselessError."""
    root = parse_document(body)
    error = root.find(".//{*}Response/{*}Error")
    if error is not None:
        code, message = (clean_text(error.findtext(f"{{*}}{name}") or "") for name in ("ErrorCode", "Message"))
        raise UselessError(f"answered with Autodiscover's error {code or '?'}: {message or 'it does not say why'}")
    account = root.find(f"{Q}Response/{Q}Account")
    if account is None:
        raise UselessError("answered 200 with an Autodiscover document that describes no account")
    action = (account.findtext(f"{Q}Action") or "").strip().lower()
    try:
        if action == "redirecturl":
            return OtherUrl(Url.parse(account.findtext(f"{Q}RedirectUrl") or ""))
        if action == "redirectaddr":
            return parse_mailbox(account.findtext(f"{Q}RedirectAddr") or "")
        return choose_endpoint(account, side)
    except ValueError as error:
        raise UselessError(f"sends its clients to {error}") from None


def parse_document(body: bytes) -> Xml.Element:
    """The Autodiscover element of an answer. Raises UselessError."""
    if not body.strip():
        raise UselessError("answered 200 with nothing")
    try:
        root = Xml.fromstring(body, Xml.XMLParser(target=_NoDocumentType()))  # noqa: S314 - without entities
    except (Xml.ParseError, ValueError, LookupError):  # LookupError: an encoding that Python does not know
        begins = clean_text(body[:1000].decode(errors="replace"))
        raise UselessError(f"answered 200 with what is not an Autodiscover document; it begins: {begins}") from None
    if root.tag.rpartition("}")[2] != "Autodiscover":
        raise UselessError(
            f"answered 200 with what is not an Autodiscover document: its root is {clean_text(root.tag)}"
        )
    return root


def parse_mailbox(text: str) -> OtherMailbox:
    address = text.strip()
    name, _, domain = address.rpartition("@")
    if not name:
        raise ValueError(f"{clean_text(text) or 'nothing'}, which is not a mail address")
    return OtherMailbox(address, check_host_name(domain, clean_text(text)))


def choose_endpoint(account: Xml.Element, side: Side) -> MailboxEndpoint:
    """MAPI over HTTP where this side has it, else Outlook Anywhere; never an endpoint for the other side."""
    mapi = f"{Q}Protocol[@Type='mapiHttp']/{Q}MailStore/{Q}"
    url = (account.findtext(f"{mapi}{side}Url") or "").strip()
    if url:
        return MailboxEndpoint(url=Url.parse(url), protocol="mapi")
    if host := find_outlook_anywhere(account, side):
        return MailboxEndpoint(url=Url(host=check_host_name(host), path=RPC_PATH), protocol="rpc")
    other: Side = "External" if side == "Internal" else "Internal"
    for_others = clean_text(account.findtext(f"{mapi}{other}Url") or find_outlook_anywhere(account, other) or "")
    raise UselessError(
        f"names no {side.lower()} URL of MAPI over HTTP and no {side.lower()} host name of Outlook Anywhere"
        + (f"; {for_others} is for {other.lower()} clients" if for_others else "")
    )


def find_outlook_anywhere(account: Xml.Element, side: Side) -> str | None:
    """The host name. EXPR is the external section; an EXHTTP section can be for either side and does not say which."""
    external = next(list_servers(account, "EXPR"), None)
    if side == "External":
        return external
    every = list(list_servers(account, "EXHTTP"))
    return next((host for host in every if host != external), next(iter(every), None))


def list_servers(account: Xml.Element, kind: str) -> Iterator[str]:
    for protocol in account.findall(f"{Q}Protocol"):
        host = (protocol.findtext(f"{Q}Server") or "").strip()
        if host and (protocol.findtext(f"{Q}Type") or "").strip() == kind:
            yield host
