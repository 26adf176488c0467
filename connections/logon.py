"""The account of a logon over SSH. A module of its own, because some importers have no SSH library."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.powershell import Credential


@dataclass(frozen=True, kw_only=True)
class Logon:
    """An account with a password, or with a private key for SSH. `repr` shows no secret."""

    user: str
    password: str | None = field(repr=False)
    private_key: str | None = field(repr=False)

    @property
    def credential(self) -> Credential | None:
        """What a script needs for network access after a logon with a key, to which Windows gives no credential."""
        return {"userName": self.user, "password": self.password or ""} if self.private_key else None
