"""What an answer of Autodiscover says. It comes from a server somewhere, so anything may stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as Xml

from operations.drill.outlook.outcome import told
from operations.drill.outlook.url import Url, host_name

RPC_PATH = "/rpc/rpcproxy.dll"
RESPONSE_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
Q = f"{{{RESPONSE_SCHEMA}}}"

Side = Literal["Internal", "External"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a client connects to."""

    url: Url
    protocol: Literal["mapi", "rpc"]


@dataclass(frozen=True)
class OtherUrl:
    """Autodiscover is to be asked there."""

    url: Url


@dataclass(frozen=True)
class OtherMailbox:
    """Autodiscover is to be asked for this address, in the address's own domain."""

    address: str
    domain: str


class UselessError(Exception):
    """The answer leads a client nowhere; the text follows on the name of the server."""


class _NoDocumentType(Xml.TreeBuilder):
    """Entities are declared in a document type, and a small one can stand for more than any memory holds."""

    def doctype(self, *_: object) -> None:
        raise ValueError("a document type")


def read(body: bytes, side: Side) -> Endpoint | OtherUrl | OtherMailbox:
    """The endpoint for clients on that side, or whom to ask instead. Raises UselessError."""
    root = document(body)
    error = root.find(".//{*}Response/{*}Error")
    if error is not None:
        code, message = (told(error.findtext(f"{{*}}{name}") or "") for name in ("ErrorCode", "Message"))
        raise UselessError(f"answered with Autodiscover's error {code or '?'}: {message or 'it does not say why'}")
    account = root.find(f"{Q}Response/{Q}Account")
    if account is None:
        raise UselessError("answered 200 with an Autodiscover document that describes no account")
    action = (account.findtext(f"{Q}Action") or "").strip().lower()
    try:
        if action == "redirecturl":
            return OtherUrl(Url.parse(account.findtext(f"{Q}RedirectUrl") or ""))
        if action == "redirectaddr":
            return other_mailbox(account.findtext(f"{Q}RedirectAddr") or "")
        return endpoint(account, side)
    except ValueError as error:
        raise UselessError(f"sends its clients to {error}") from None


def document(body: bytes) -> Xml.Element:
    """The Autodiscover element of an answer. Raises UselessError."""
    if not body.strip():
        raise UselessError("answered 200 with nothing")
    try:
        root = Xml.fromstring(body, Xml.XMLParser(target=_NoDocumentType()))  # noqa: S314 - without entities
    except (Xml.ParseError, ValueError, LookupError):  # LookupError: of an encoding that Python does not know
        begins = told(body[:1000].decode(errors="replace"))
        raise UselessError(f"answered 200 with what is not an Autodiscover document; it begins: {begins}") from None
    if root.tag.rpartition("}")[2] != "Autodiscover":
        raise UselessError(f"answered 200 with what is not an Autodiscover document: its root is {told(root.tag)}")
    return root


def other_mailbox(text: str) -> OtherMailbox:
    address = text.strip()
    name, _, domain = address.rpartition("@")
    if not name:
        raise ValueError(f"{told(text) or 'nothing'}, which is not a mail address")
    return OtherMailbox(address, host_name(domain, told(text)))


def endpoint(account: Xml.Element, side: Side) -> Endpoint:
    """MAPI over HTTP where it is offered to this side, else Outlook Anywhere; never what is for the other side."""
    mapi = f"{Q}Protocol[@Type='mapiHttp']/{Q}MailStore/{Q}"
    url = (account.findtext(f"{mapi}{side}Url") or "").strip()
    if url:
        return Endpoint(url=Url.parse(url), protocol="mapi")
    if host := outlook_anywhere(account, side):
        return Endpoint(url=Url(host=host_name(host), path=RPC_PATH), protocol="rpc")
    other: Side = "External" if side == "Internal" else "Internal"
    for_others = told(account.findtext(f"{mapi}{other}Url") or outlook_anywhere(account, other) or "")
    raise UselessError(
        f"names no {side.lower()} URL of MAPI over HTTP and no {side.lower()} host name of Outlook Anywhere"
        + (f"; {for_others} is for {other.lower()} clients" if for_others else "")
    )


def outlook_anywhere(account: Xml.Element, side: Side) -> str | None:
    """The host name. EXPR is the external section; EXHTTP is there for either side, and does not say for which."""
    external = next(servers(account, "EXPR"), None)
    if side == "External":
        return external
    every = list(servers(account, "EXHTTP"))
    return next((host for host in every if host != external), next(iter(every), None))


def servers(account: Xml.Element, kind: str) -> Iterator[str]:
    for protocol in account.findall(f"{Q}Protocol"):
        host = (protocol.findtext(f"{Q}Server") or "").strip()
        if host and (protocol.findtext(f"{Q}Type") or "").strip() == kind:
            yield host
