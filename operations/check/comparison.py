"""When a setting that Exchange holds is the one that a document asks for: as ClientAccess.Values.ps1 decides it."""

from __future__ import annotations

from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def same(one: object, other: object) -> bool:
    """In any case, as DNS and IIS see it; lists in any order, however often they name a value."""
    return plain(one) == plain(other)


def plain(value: object) -> object:
    if isinstance(value, list):
        return {plain(part) for part in value}
    if value is None or value == "":
        return None
    text = str(value).lower()
    return url(text) if "://" in text else text


def url(text: str) -> str:
    """As .NET writes it, and Exchange with it. A slash at the end of a path counts: it is another request."""
    parts = urlsplit(text)
    host = parts.netloc.removesuffix(DEFAULT_PORTS.get(parts.scheme, ""))
    return parts._replace(netloc=host, path=parts.path or "/").geturl()
