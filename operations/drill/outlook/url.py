"""Parses and checks the URLs and host names in servers' answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from operations.drill.outlook.outcome import clean_text

LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"(?!.{{254}}){LABEL}(\.{LABEL})*", re.IGNORECASE)
# Characters that a path or a query may contain; all others become %XX.
UNQUOTED = "/%:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, kw_only=True)
class Url:
    """An https URL; `path` includes the query, `port` is None where the URL has none."""

    host: str
    path: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str, base: Url | None = None) -> Url:
        """`text` can be relative to `base`. Raises ValueError, whose text names the URL and what is wrong."""
        shown = clean_text(text)
        try:
            parts = urlsplit(text.strip())
            if base and not parts.scheme:
                parts = urlsplit(urljoin(str(base), text.strip()))
            port, host = parts.port, parts.hostname or ""
        except ValueError:
            raise ValueError(f"{shown}, which is not a URL") from None
        if parts.scheme != "https":
            raise ValueError(f"{shown}, which does not begin with https://")
        if port == 0:
            raise ValueError(f"{shown}, whose port is 0")
        query = f"?{parts.query}" if parts.query else ""
        return cls(host=check_host_name(host, shown), path=quote((parts.path or "/") + query, safe=UNQUOTED), port=port)

    def __str__(self) -> str:
        return f"https://{self.host}{f':{self.port}' if self.port else ''}{self.path}"


def check_host_name(text: str, shown: str = "") -> str:
    """The host name in ASCII. Raises ValueError, which names `shown` or the text, for what DNS cannot look up."""
    try:
        host = text.strip().rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not HOST.fullmatch(host):
        raise ValueError(f"{shown or clean_text(text) or 'nothing'}, whose host cannot be looked up")
    return host
