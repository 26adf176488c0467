"""Who logs on to a server over SSH."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.powershell import Credential


@dataclass(frozen=True, kw_only=True)
class Logon:
    """An account, with a password or a private key to log on with over SSH. Secrets never show in its text."""

    user: str
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)

    @property
    def credential(self) -> Credential | None:
        """What a script needs beside a logon with a key: Windows gives such a session none for the network."""
        return {"userName": self.user, "password": self.password or ""} if self.private_key else None
