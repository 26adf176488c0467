"""Autodiscover from the client's side: its request, and what it takes from the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

from operations.outlook.outcome import OutlookError

PATH = "/autodiscover/autodiscover.xml"
RPC_PATH = "/rpc/rpcproxy.dll"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/"
REQUEST_SCHEMA, RESPONSE_SCHEMA = f"{OUTLOOK}requestschema/2006", f"{OUTLOOK}responseschema/2006a"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a client connects to."""

    host: str
    path: str
    protocol: Literal["mapi", "rpc"]


def request(mailbox: str) -> bytes:
    root = Xml.Element("Autodiscover", xmlns=REQUEST_SCHEMA)
    request = Xml.SubElement(root, "Request")
    Xml.SubElement(request, "EMailAddress").text = mailbox
    Xml.SubElement(request, "AcceptableResponseSchema").text = RESPONSE_SCHEMA
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def endpoint(asked: str, answer: bytes, side: str) -> Endpoint:
    """MAPI over HTTP where it is offered, else Outlook Anywhere."""
    q = f"{{{RESPONSE_SCHEMA}}}"
    root = Xml.fromstring(answer)  # noqa: S314 - over TLS, from a server with a trusted certificate
    url = root.findtext(f".//{q}Protocol[@Type='mapiHttp']/{q}MailStore/{q}{side}Url")
    if url:
        parts = urlsplit(url)
        return Endpoint(host=parts.hostname or "", path=f"{parts.path}?{parts.query}", protocol="mapi")
    anywhere = [row.findtext(f"{q}Server") for row in root.iter(f"{q}Protocol") if row.findtext(f"{q}Type") == "EXHTTP"]
    hosts = [host for host in anywhere if host]
    if not hosts:
        raise OutlookError(asked, "Autodiscover names no endpoint that a client could connect to")
    # The answer lists the external section first.
    return Endpoint(host=hosts[-1] if side == "Internal" else hosts[0], path=RPC_PATH, protocol="rpc")
