"""A DNS server as the options `--resolver` and `--name-server` name it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

PORT = 53


class DnsServer(NamedTuple):
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> DnsServer:
        """HOST or HOST:PORT. Raises ValueError."""
        parts = urlsplit(f"//{text}")
        if not parts.hostname or parts.path or parts.username:
            raise ValueError(text)
        return cls(parts.hostname, parts.port or PORT)

    @property
    def is_address(self) -> bool:
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        return self.host if self.port == PORT else f"{self.host}:{self.port}"
