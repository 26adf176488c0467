"""Autodiscover for Outlook ("plain old XML"): what a server answers from its own settings."""

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
    """Caches the settings from its first request until its application pool is recycled.

    `count_recycles` returns how often that has happened. Each start of the web site creates a new application.
    """

    def __init__(self, count_recycles: Callable[[], int]) -> None:
        self._count_recycles = count_recycles
        self._recycles = -1
        self._known: Settings | None = None

    def current_settings(self, settings: Settings | None) -> Settings | None:
        """The settings to answer from; `settings` are the server's present ones, None without Exchange."""
        recycles = self._count_recycles()
        if recycles != self._recycles or self._known is None or settings is None:
            self._recycles, self._known = recycles, settings
        return self._known


def read_mailbox_address(request: bytes) -> str | None:
    """The mailbox address in an Outlook request; None for any other request."""
    try:
        root = Xml.fromstring(request)  # noqa: S314 - from our own client, over loopback
    except Xml.ParseError:
        return None
    address = root.findtext(f".//{{{REQUEST_SCHEMA}}}EMailAddress")
    schema = root.findtext(f".//{{{REQUEST_SCHEMA}}}AcceptableResponseSchema")
    return address if schema == OUTLOOK_SCHEMA else None


def write_settings(address: str, settings: Settings, *, mapi_http: bool) -> bytes:
    """The answer for a mailbox; it has the mapiHttp section only with `mapi_http`."""
    root = Xml.Element("Autodiscover", xmlns=RESPONSE_SCHEMA)
    response = Xml.SubElement(root, "Response", xmlns=OUTLOOK_SCHEMA)
    _add_texts(Xml.SubElement(response, "User"), DisplayName=address.split("@")[0], AutoDiscoverSMTPAddress=address)
    account = Xml.SubElement(response, "Account")
    _add_texts(account, AccountType="email", Action="settings")
    mailbox = f"{uuid.uuid5(uuid.NAMESPACE_DNS, address.lower())}@{address.split('@')[-1]}"
    if mapi_http:
        _add_mapi_http(account, settings, mailbox)
    anywhere = settings["outlookAnywhere"]
    exchange = _add_protocol(account, "EXCH", settings, "Internal")
    _add_texts(exchange, Server=mailbox, AuthPackage=anywhere["InternalClientAuthenticationMethod"])
    if anywhere.get("ExternalHostname"):
        _add_http_settings(_add_protocol(account, "EXPR", settings, "External"), anywhere, "External")
        _add_http_settings(_add_protocol(account, "EXHTTP", settings, "External"), anywhere, "External")
    if anywhere.get("InternalHostname"):
        _add_http_settings(_add_protocol(account, "EXHTTP", settings, "Internal"), anywhere, "Internal")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def write_invalid_request() -> bytes:
    """Exchange's answer to a GET or to an invalid request."""
    root = Xml.Element("Autodiscover", xmlns=RESPONSE_SCHEMA)
    error = Xml.SubElement(Xml.SubElement(root, "Response"), "Error")
    _add_texts(error, ErrorCode=600, Message="Invalid Request")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_mapi_http(account: Xml.Element, settings: Settings, mailbox: str) -> None:
    protocol = Xml.SubElement(account, "Protocol", Type="mapiHttp", Version="1")
    for section, endpoint in (("MailStore", "emsmdb"), ("AddressBook", "nspi")):
        element = Xml.SubElement(protocol, section)
        for side in ("Internal", "External"):
            if url := settings["mapi"].get(f"{side}Url"):
                _add_texts(element, **{f"{side}Url": f"{url}/{endpoint}/?MailboxId={mailbox}"})


def _add_protocol(account: Xml.Element, kind: str, settings: Settings, side: str) -> Xml.Element:
    protocol = Xml.SubElement(account, "Protocol")
    key = f"{side}Url"
    urls = {
        "ASUrl": settings["ews"].get(key),
        "EwsUrl": settings["ews"].get(key),
        "OOFUrl": settings["ews"].get(key),
        "EcpUrl": settings["ecp"].get(key),
        "OABUrl": settings["oab"].get(key),
    }
    _add_texts(protocol, Type=kind, **{name: url for name, url in urls.items() if url})
    return protocol


def _add_http_settings(protocol: Xml.Element, anywhere: Mapping[str, object], side: str) -> None:
    _add_texts(
        protocol,
        Server=anywhere[f"{side}Hostname"],
        SSL="On" if anywhere[f"{side}ClientsRequireSsl"] else "Off",
        AuthPackage=anywhere[f"{side}ClientAuthenticationMethod"],
    )


def _add_texts(parent: Xml.Element, **texts: object) -> None:
    for name, text in texts.items():
        Xml.SubElement(parent, name).text = str(text)
