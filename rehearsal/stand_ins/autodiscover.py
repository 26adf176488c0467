"""Autodiscover for Outlook, "plain old XML": what one server tells a client, from that server's own settings."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from xml.etree import ElementTree as Xml

REQUEST_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
RESPONSE_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"

POOL = "MSExchangeAutodiscoverAppPool"

Settings = Mapping[str, Mapping[str, object]]


class AutodiscoverApplication:
    """One start of the web site: from the first request on it knows the settings of then, until its pool is recycled.

    `recycled` tells how often that has happened.
    """

    def __init__(self, recycled: Callable[[], int]) -> None:
        self._recycled = recycled
        self._starts = -1
        self._known: Settings | None = None

    def known(self, settings: Settings | None) -> Settings | None:
        """What it answers from, where `settings` are the server's own now; None without Exchange."""
        starts = self._recycled()
        if starts != self._starts or self._known is None or settings is None:
            self._starts, self._known = starts, settings
        return self._known


def address_of(request: bytes) -> str | None:
    """The mailbox that an Outlook request asks about; None for anything that is no such request."""
    try:
        root = Xml.fromstring(request)  # noqa: S314 - from our own client, over loopback
    except Xml.ParseError:
        return None
    address = root.findtext(f".//{{{REQUEST_SCHEMA}}}EMailAddress")
    schema = root.findtext(f".//{{{REQUEST_SCHEMA}}}AcceptableResponseSchema")
    return address if schema == OUTLOOK_SCHEMA else None


def answer(address: str, settings: Settings, *, mapi_http: bool) -> bytes:
    """The settings of a mailbox; the mapiHttp section only with `mapi_http`."""
    root = Xml.Element("Autodiscover", xmlns=RESPONSE_SCHEMA)
    response = Xml.SubElement(root, "Response", xmlns=OUTLOOK_SCHEMA)
    _texts(Xml.SubElement(response, "User"), DisplayName=address.split("@")[0], AutoDiscoverSMTPAddress=address)
    account = Xml.SubElement(response, "Account")
    _texts(account, AccountType="email", Action="settings")
    mailbox = f"{uuid.uuid5(uuid.NAMESPACE_DNS, address.lower())}@{address.split('@')[-1]}"
    if mapi_http:
        _mapi_http(account, settings, mailbox)
    anywhere = settings["outlookAnywhere"]
    exchange = _protocol(account, "EXCH", settings, "Internal")
    _texts(exchange, Server=mailbox, AuthPackage=anywhere["InternalClientAuthenticationMethod"])
    if anywhere.get("ExternalHostname"):
        _over_http(_protocol(account, "EXPR", settings, "External"), anywhere, "External")
        _over_http(_protocol(account, "EXHTTP", settings, "External"), anywhere, "External")
    if anywhere.get("InternalHostname"):
        _over_http(_protocol(account, "EXHTTP", settings, "Internal"), anywhere, "Internal")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def invalid_request() -> bytes:
    """What Exchange answers to a GET or to a request it does not understand."""
    root = Xml.Element("Autodiscover", xmlns=RESPONSE_SCHEMA)
    error = Xml.SubElement(Xml.SubElement(root, "Response"), "Error")
    _texts(error, ErrorCode=600, Message="Invalid Request")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _mapi_http(account: Xml.Element, settings: Settings, mailbox: str) -> None:
    protocol = Xml.SubElement(account, "Protocol", Type="mapiHttp", Version="1")
    for section, endpoint in (("MailStore", "emsmdb"), ("AddressBook", "nspi")):
        element = Xml.SubElement(protocol, section)
        for side in ("Internal", "External"):
            if url := settings["mapi"].get(f"{side}Url"):
                _texts(element, **{f"{side}Url": f"{url}/{endpoint}/?MailboxId={mailbox}"})


def _protocol(account: Xml.Element, kind: str, settings: Settings, side: str) -> Xml.Element:
    protocol = Xml.SubElement(account, "Protocol")
    key = f"{side}Url"
    urls = {
        "ASUrl": settings["ews"].get(key),
        "EwsUrl": settings["ews"].get(key),
        "OOFUrl": settings["ews"].get(key),
        "EcpUrl": settings["ecp"].get(key),
        "OABUrl": settings["oab"].get(key),
    }
    _texts(protocol, Type=kind, **{name: url for name, url in urls.items() if url})
    return protocol


def _over_http(protocol: Xml.Element, anywhere: Mapping[str, object], side: str) -> None:
    _texts(
        protocol,
        Server=anywhere[f"{side}Hostname"],
        SSL="On" if anywhere[f"{side}ClientsRequireSsl"] else "Off",
        AuthPackage=anywhere[f"{side}ClientAuthenticationMethod"],
    )


def _texts(parent: Xml.Element, **texts: object) -> None:
    for name, text in texts.items():
        Xml.SubElement(parent, name).text = str(text)
