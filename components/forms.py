"""Forms of texts in a stack file: a pattern, and the remedy for a text that does not match it."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple
from urllib.parse import urlsplit

from components.rules import HTTPS_URL

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"({LABEL}\.)+{LABEL}"
THUMBPRINT_DIGITS = r"[0-9A-Fa-f]{40}"
OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"({OCTET}\.){{3}}{OCTET}"
CIDR = rf"{IPV4}/(3[0-2]|[12]?\d)"
# Azure refuses these in a virtual network. It refuses the loopback network, too, but a rehearsal uses that.
REFUSED_NETWORKS = tuple(map(IPv4Network, ("224.0.0.0/4", "255.255.255.255", "169.254.0.0/16", "168.63.129.16")))


class Form(NamedTuple):
    """A regular expression that a whole text must match, and the remedy when it does not.

    `explain` gives a better remedy for a mistake that it recognises, else None. If the pattern has a group `value`,
    only that part of the text is used.
    """

    pattern: str
    remedy: str
    explain: Callable[[str], str | None] | None = None

    def find_mistake(self, text: str) -> str | None:
        """The remedy; None if the text is well formed."""
        if self.explain and (remedy := self.explain(text)):
            return remedy
        return None if re.fullmatch(self.pattern, text) else self.remedy

    def extract_value(self, text: str) -> str:
        """The part of a well-formed text that is used."""
        match = re.fullmatch(self.pattern, text)
        return match["value"] if match and "value" in match.groupdict() else text


def explain_host_bits(text: str) -> str | None:
    if not re.fullmatch(CIDR, text):
        return None
    prefix = IPv4Network(text, strict=False)
    if str(prefix) != text:
        return f"has host bits set. Write the first address of the prefix: {prefix}."
    return None


def explain_unusable_network(text: str) -> str | None:
    if (remedy := explain_host_bits(text)) or not re.fullmatch(CIDR, text):
        return remedy
    refused = [str(network) for network in REFUSED_NETWORKS if network.overlaps(IPv4Network(text))]
    if refused:
        return f"overlaps {', '.join(refused)}, which Azure refuses in a virtual network. Write a private prefix."
    return None


def explain_unusable_address(text: str) -> str | None:
    if not re.fullmatch(IPV4, text):
        return None
    address = IPv4Address(text)
    if address.is_multicast or address.is_unspecified or address.is_link_local or address.is_reserved:
        return "is not an address that a server can have. Write one such as 10.40.0.11."
    return None


def explain_dns_name(text: str, pattern: str = DOMAIN) -> str | None:
    """Recognises capital letters, a dot at the end, and a name that is not in its xn-- form."""
    try:
        name = text.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        return None
    return f"Write it in its DNS form: {name}." if name != text and re.fullmatch(pattern, name) else None


def explain_dns_label(text: str) -> str | None:
    return explain_dns_name(text, LABEL)


def explain_unusable_url(text: str) -> str | None:
    if not re.fullmatch(HTTPS_URL, text):
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return f"is not a URL ({error}). Write one such as https://owa.mail-domain.com/owa."
    if "@" in parts.netloc:
        return "contains an account, which every client would see. Remove it."
    if re.fullmatch(IPV4, host) or re.fullmatch(DOMAIN, host):
        return None
    return (
        explain_dns_name(host) or f"contains {host}, which is not a host name. Write one such as owa.mail-domain.com."
    )


def explain_thumbprint(text: str) -> str | None:
    """Recognises what the certificate dialogue of Windows copies: spaces, and an invisible U+200E in front."""
    digits = "".join(part for part in text if part not in "\u200e\u200f\ufeff :" and not part.isspace())
    if digits != text and re.fullmatch(THUMBPRINT_DIGITS, digits):
        return f"has spaces or invisible characters, which the dialogue of Windows adds. Write {digits.upper()}."
    return None


def explain_damaged_key(text: str) -> str | None:
    """Recognises a key that was cut off: an OpenSSH public key contains its kind and the length of each part."""
    match = re.fullmatch(HOST_KEY.pattern, text)
    if not match:
        return None
    kind, _, encoded = match["value"].partition(" ")
    try:
        blob = b64decode(encoded, validate=True)
    except NotBase64Error:
        blob = b""
    parts = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        part, blob = blob[4 : 4 + length], blob[4 + length :]
        parts.append(part if len(part) == length else b"")
    if len(parts) < 2 or parts[0] != kind.encode() or not all(parts):
        return "is not a complete key: a part of its line is missing. Copy the line again."
    return None


URL = Form(HTTPS_URL, "Write an absolute URL that begins with https://.", explain_unusable_url)
ADDRESS = Form(IPV4, "Write an IPv4 address such as 10.40.0.11.", explain_unusable_address)
NAME = Form(LABEL, "Write one DNS label: a-z, 0-9 and inner hyphens, at most 63 characters.", explain_dns_label)
ZONE = Form(DOMAIN, "Write a domain in lower case, such as mail-domain.com.", explain_dns_name)
PREFIX = Form(CIDR, "Write a prefix such as 10.40.0.0/24.", explain_unusable_network)
SOURCE = Form(
    rf"{CIDR}|{IPV4}|VirtualNetwork|Internet",
    "Write a prefix (203.0.113.0/24), an address, VirtualNetwork or Internet.",
    explain_host_bits,
)
GROUP = Form(
    r"[A-Za-z0-9_.()-]*[A-Za-z0-9_()-]", "Write at most 90 letters, digits and - _ . ( ), and no dot at the end."
)
ZONE_GROUP = Form(
    GROUP.pattern,
    f"{GROUP.remedy} The group must be in the stack's subscription. For a zone in another subscription, either set "
    "azure-native:subscriptionId to it and have existing servers only, or leave this key out: a zone is created here.",
)
IMAGE = Form(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/"
    r"(images/[^/]+|galleries/[^/]+/images/[^/]+(/versions/[^/]+)?)",
    "Write an image's id: /subscriptions/…/images/NAME, or /subscriptions/…/galleries/…/images/NAME/versions/VERSION.",
)
# A line of ssh-keyscan begins with the host, one of a .pub file may end with a comment.
HOST_KEY = Form(
    r"\s*(\S+ +)?(?P<value>(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*)( .*)?\s*",
    "Write the server's ed25519 or ECDSA line, as ssh-keyscan -t ed25519 prints it or as it is in the server's "
    "ssh_host_ed25519_key.pub.",
    explain_damaged_key,
)
# Without the characters that Windows refuses in an account's name, and those that separate the domain from it.
ACCOUNT = r'[^\s\\/@"\[\]:;|=,+*?<>]+'
OPERATOR = Form(
    rf"[A-Za-z0-9][A-Za-z0-9.-]*\\{ACCOUNT}|{ACCOUNT}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*",
    "Write the domain account as DOMAIN\\NAME, with one backslash, or NAME@DOMAIN; without spaces.",
)
THUMBPRINT = Form(
    THUMBPRINT_DIGITS, "Write the 40 hexadecimal digits that Get-ExchangeCertificate shows.", explain_thumbprint
)
VM_SIZE = Form(r"[A-Za-z]+_[A-Za-z0-9_-]+", "Write a size such as Standard_D4s_v5.")
HOST = Form(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "Write a host name or an IPv4 address.")
