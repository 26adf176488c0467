"""The accounts that can log on to servers over SSH and HTTPS. Passwords stay in memory."""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass

import asyncssh


@dataclass(frozen=True, kw_only=True)
class _Account:
    password: str
    public_keys: tuple[bytes, ...]


class Accounts:
    """Compares names as Windows does: ignores case, and CORP\\user is user@corp.example."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._lock = threading.Lock()

    def put(self, name: str, password: str, *public_keys: str) -> None:
        """Add or change an account; `public_keys` are OpenSSH lines. ValueError for a malformed key."""
        keys = tuple(asyncssh.import_public_key(line).public_data for line in public_keys)
        with self._lock:
            self._accounts[_split_name(name)] = _Account(password=password, public_keys=keys)

    def knows_password(self, name: str, password: str) -> bool:
        account = self._accounts.get(_split_name(name))
        return account is not None and hmac.compare_digest(account.password.encode(), password.encode())

    def knows_key(self, name: str, key: asyncssh.SSHKey) -> bool:
        account = self._accounts.get(_split_name(name))
        return account is not None and key.public_data in account.public_keys


def _split_name(name: str) -> tuple[str, str]:
    """(NetBIOS domain, user); "" and "." are the domain of a local account."""
    if "\\" in name:
        domain, user = name.split("\\", 1)
    else:
        user, _, domain = name.partition("@")
    return domain.split(".")[0].lower(), user.lower()
