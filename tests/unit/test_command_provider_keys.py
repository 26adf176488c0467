"""The command provider's stand-in where keys are read: they fail before any dial, in the words of Go's SSH library."""

from __future__ import annotations

import asyncssh
import pytest

from tests.unit.command_calls import Serve, connection, create, error
from tests.unit.provider_client import Properties, ProviderClient

pytestmark = pytest.mark.unit

KEY = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
PROTECTED = KEY.export_private_key("pkcs1-pem", "phrase").decode()
# What `ssh-keygen -t ed25519 -N phrase` writes; made for this test.
OPENSSH_PROTECTED = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAATnr0pX
8P3nn9dlAi91vzAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIAbQNXcJKzLTzcA9
hhntIjpiuykDCAV3MvpDMtjpdOsdAAAAkHXkgYLBrd2+l7oKk8xkMLxpF7Ww0ly/L9BYXa
vwDNfaS4v/qBLGgGbS9O/dvxIB1xNSIThunoB+SV1YmP/gSgi/oPz6VwoxUdh22VIc2uNR
6q/eDnEH+73dmd5F1NobPsqZ7TWTF/ETijGd6ATY77XFu3affurgVOP2cKcatmMT2rgp+s
gA4C+v2DDgTzTLEw==
-----END OPENSSH PRIVATE KEY-----
"""

KEYS: dict[str, tuple[Properties, str]] = {
    "a passphrase is missing": ({"privateKey": PROTECTED}, "ssh: this private key is passphrase protected"),
    "another passphrase": (
        {"privateKey": PROTECTED, "privateKeyPassword": "another"},
        "x509: decryption password incorrect",
    ),
    "a passphrase is missing, OpenSSH's format": (
        {"privateKey": OPENSSH_PROTECTED},
        "ssh: this private key is passphrase protected",
    ),
    "a passphrase for a key in plain": (
        {"privateKey": KEY.export_private_key("pkcs1-pem").decode(), "privateKeyPassword": "phrase"},
        "ssh: not an encrypted key",
    ),
    "a passphrase for a key in plain, OpenSSH's format": (
        {"privateKey": KEY.export_private_key("openssh").decode(), "privateKeyPassword": "phrase"},
        "ssh: key is not password protected",
    ),
    "a kind that is unknown": (
        {"privateKey": KEY.export_private_key("pkcs8-pem", "phrase").decode()},
        'ssh: unsupported key type "ENCRYPTED PRIVATE KEY"',
    ),
    "no key": ({"privateKey": ""}, "ssh: no key found"),
    "no host key": ({"hostKey": ""}, "failed to parse host key: ssh: no key found"),
}


@pytest.mark.parametrize("given", KEYS)
def test_an_unusable_key_fails_before_the_first_dial(client: ProviderClient, serve: Serve, given: str) -> None:
    changes, reason = KEYS[given]
    server = serve()
    create(client, connection=connection(server, **changes), create="echo hi")
    assert error(client) == reason
    assert server.log == []


def test_an_encrypted_key_in_opensshs_format_is_refused_as_unsupported_by_the_stand_in(
    client: ProviderClient, serve: Serve
) -> None:
    server = serve()
    known = connection(server, privateKey=OPENSSH_PROTECTED, privateKeyPassword="phrase")
    create(client, connection=known, create="echo hi")
    assert "opens no encrypted OpenSSH key" in error(client)
    assert server.log == []
