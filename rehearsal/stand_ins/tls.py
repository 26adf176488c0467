"""The rehearsal's certificate authority, and the one certificate of all servers."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

import trustme


class Certificates:
    """A new authority, and a certificate with all client names, the same on all servers, as Exchange requires.

    A name may be a wildcard (`*.mail-domain.com`). Clients have to trust `authority_pem`.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._authority = trustme.CA(organization_name="Rehearsal")
        self.authority_pem = self._authority.cert_pem.bytes().decode()
        self.server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.renew(names)

    def renew(self, names: Iterable[str]) -> None:
        """Issue a new certificate, used for new connections. ValueError for an invalid host name."""
        self.names = frozenset(name.lower() for name in names)
        self._authority.issue_cert(*sorted(self.names)).configure_cert(self.server_context)

    def covers(self, host: str) -> bool:
        """Whether a client accepts the certificate for this host: a wildcard matches exactly one label (RFC 6125)."""
        label, _, domain = host.lower().partition(".")
        return host.lower() in self.names or (label != "" and f"*.{domain}" in self.names)
