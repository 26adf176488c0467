"""How the provider logs on: the endpoint, its keys, and the answers to the server's questions."""

from __future__ import annotations

import base64
import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import asyncssh

from rehearsal.stand_ins.command import go_text
from rehearsal.stand_ins.provider.servicer import ProviderError
from rehearsal.stand_ins.provider.values import Properties

_PEM = re.compile(r"-----BEGIN ([^-\n]+)-----\s*\n(.*?)\n-----END \1-----", re.DOTALL)
_KINDS = ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY")


@dataclass(frozen=True, kw_only=True)
class SshEndpoint:
    """One SSH server and how to log on to it. Fields have the names of the provider's inputs; timeouts in seconds."""

    host: str
    port: float
    user: str
    dialErrorLimit: float  # noqa: N815
    perDialTimeout: float  # noqa: N815
    password: str | None = None
    privateKey: str | None = None  # noqa: N815
    privateKeyPassword: str | None = None  # noqa: N815
    agentSocketPath: str | None = None  # noqa: N815
    hostKey: str | None = None  # noqa: N815

    @classmethod
    def from_inputs(cls, connection: Properties) -> SshEndpoint:
        """From checked inputs without secret marks; ignores a proxy in them."""
        return cls(**{field.name: connection[field.name] for field in fields(cls) if field.name in connection})

    @property
    def dialled(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{int(self.port)}"


class LogonClient(asyncssh.SSHClient):
    """Tries each method once; answers keyboard-interactive questions with the password."""

    def __init__(self, keys: Sequence[asyncssh.SSHKeyPair], password: str | None) -> None:
        self._keys = keys
        self._password = password
        self.tried = ["none"]

    def _try_once(self, method: str) -> bool:
        first = method not in self.tried
        if first:
            self.tried.append(method)
        return first

    def public_key_auth_requested(self) -> Sequence[asyncssh.SSHKeyPair] | None:
        return self._keys if self._keys and self._try_once("publickey") else None

    def password_auth_requested(self) -> str | None:
        return self._password if self._password is not None and self._try_once("password") else None

    def kbdint_auth_requested(self) -> str | None:
        return "" if self._password is not None and self._try_once("keyboard-interactive") else None

    def kbdint_challenge_received(
        self, _name: str, _instructions: str, _lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str]:
        return [self._password or ""] * len(prompts)


@dataclass(frozen=True, kw_only=True)
class SshRoute:
    """An endpoint with its parsed keys."""

    endpoint: SshEndpoint
    keys: Sequence[asyncssh.SSHKeyPair]
    host_key: asyncssh.SSHKey | None

    def options(self, logon: LogonClient) -> dict[str, Any]:
        methods = ["password", "keyboard-interactive"]
        first = ["publickey"] if self.endpoint.privateKey is not None else []
        options: dict[str, Any] = {
            "username": self.endpoint.user,
            "client_factory": lambda: logon,
            "preferred_auth": [*first, *methods] if first else [*methods, "publickey"],
            "client_keys": None,
            "agent_path": None,
            "config": None,
            "known_hosts": None,
            "login_timeout": 0,
        }
        if self.host_key is not None:
            options["known_hosts"] = ([self.host_key], [], [])
            options["server_host_key_algs"] = [self.host_key.get_algorithm()]
        return options


async def prepare_route(connection: Properties, held: contextlib.AsyncExitStack) -> SshRoute:
    """From checked inputs without secret marks; ProviderError for an unusable key. Closing `held` closes the agent."""
    endpoint = SshEndpoint.from_inputs(connection)
    host_key = None
    if endpoint.hostKey is not None:
        try:
            host_key = asyncssh.import_public_key(endpoint.hostKey)
        except asyncssh.KeyImportError as error:
            raise ProviderError("failed to parse host key: ssh: no key found") from error
    keys = asyncssh.load_keypairs([_read_private_key(endpoint)]) if endpoint.privateKey is not None else ()
    agent = endpoint.agentSocketPath or os.environ.get("SSH_AUTH_SOCK")
    return SshRoute(
        endpoint=endpoint, keys=[*keys, *(await _read_agent_keys(agent, held) if agent else [])], host_key=host_key
    )


def _read_private_key(endpoint: SshEndpoint) -> asyncssh.SSHKey:
    """Checks a key in the same order as Go's SSH library, and with its messages."""
    text, passphrase = endpoint.privateKey or "", endpoint.privateKeyPassword
    block = _PEM.search(text)
    if not block:
        raise ProviderError("ssh: no key found")
    kind, body = block.groups()
    refusal = _check_passphrase(kind, body, given=passphrase is not None)
    if refusal:
        raise ProviderError(refusal)
    try:
        return asyncssh.import_private_key(text, passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        if "bcrypt" in str(error):
            reason = "the command stand-in opens no encrypted OpenSSH key (it has no bcrypt); the provider does"
            raise ProviderError(reason) from error
        message = "ssh: no key found" if passphrase is None else "x509: decryption password incorrect"
        raise ProviderError(message) from error


def _check_passphrase(kind: str, body: str, *, given: bool) -> str | None:
    encrypted = "Proc-Type: 4,ENCRYPTED" in body
    if kind == "OPENSSH PRIVATE KEY":
        encrypted = not _is_unencrypted(body)
        if given and not encrypted:
            return "ssh: key is not password protected"
    elif given and not encrypted:
        return "ssh: not an encrypted key"
    elif not encrypted and kind not in _KINDS:
        return f"ssh: unsupported key type {go_text.quote(kind)}"
    return "ssh: this private key is passphrase protected" if encrypted and not given else None


def _is_unencrypted(body: str) -> bool:
    """Whether a key in OpenSSH's format has no passphrase."""
    try:
        return base64.b64decode(body).startswith(b"openssh-key-v1\0\0\0\0\x04none")
    except ValueError:
        raise ProviderError("ssh: no key found") from None


async def _read_agent_keys(path: str, held: contextlib.AsyncExitStack) -> list[asyncssh.SSHKeyPair]:
    try:
        agent = await asyncssh.connect_agent(path)
        held.push_async_callback(agent.wait_closed)
        held.callback(agent.close)
        return list(await agent.get_keys())
    except OSError as error:
        raise ProviderError(f"dial unix {path}: connect: {go_text.format_error(error)}") from error
