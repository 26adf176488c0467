"""Where a client is sent: the URLs and host names that servers write into their answers, taken apart and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from operations.drill.outlook.outcome import told

LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"(?!.{{254}}){LABEL}(\.{LABEL})*", re.IGNORECASE)
# What may stand in a path or a query as it is; all else is written as %XX.
UNQUOTED = "/%:=&?~+!$,;'@()*[]"


@dataclass(frozen=True, kw_only=True)
class Url:
    """An https URL; `path` with its query, `port` None where the URL names none."""

    host: str
    path: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str, base: Url | None = None) -> Url:
        """With `base` it may be relative to that. Raises ValueError, whose text names the URL and what is wrong."""
        shown = told(text)
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
        return cls(host=host_name(host, shown), path=quote((parts.path or "/") + query, safe=UNQUOTED), port=port)

    def __str__(self) -> str:
        return f"https://{self.host}{f':{self.port}' if self.port else ''}{self.path}"


def host_name(text: str, shown: str = "") -> str:
    """In the letters of DNS. Raises ValueError with `shown`, else the text, for what no name server can be asked."""
    try:
        host = text.strip().rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not HOST.fullmatch(host):
        raise ValueError(f"{shown or told(text) or 'nothing'}, whose host cannot be looked up")
    return host
