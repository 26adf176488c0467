"""Which private keys need a passphrase, in each format that ssh-keygen and OpenSSL write."""

from __future__ import annotations

import asyncssh
import pulumi
import pytest

from components.shell import needs_passphrase, refuse_passphrase
from tests.unit.test_command_provider_keys import OPENSSH_PROTECTED

pytestmark = pytest.mark.unit

KEY = asyncssh.generate_private_key("ecdsa-sha2-nistp256")


@pytest.mark.parametrize("format", ["pkcs1-pem", "pkcs8-pem"])
def test_a_pem_key_needs_a_passphrase_if_it_was_encrypted(format: str) -> None:
    assert needs_passphrase(KEY.export_private_key(format, "phrase").decode())
    assert not needs_passphrase(KEY.export_private_key(format).decode())


def test_an_openssh_key_needs_a_passphrase_if_it_was_encrypted() -> None:
    assert needs_passphrase(OPENSSH_PROTECTED)
    assert needs_passphrase(OPENSSH_PROTECTED.replace("\n", "\r\n"))
    assert not needs_passphrase(KEY.export_private_key("openssh").decode())


@pytest.mark.parametrize("text", ["", "a password", "-----BEGIN OPENSSH PRIVATE KEY-----\n%%%\n-----END", "\0"])
def test_a_text_that_is_not_a_key_is_left_to_the_provider(text: str) -> None:
    assert refuse_passphrase("operatorPrivateKey", text) == text


def test_the_error_names_the_secret_and_the_remedy_but_not_the_key() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"^operatorPrivateKey is protected by a passphrase.*ssh-keygen -p"
    ) as refused:
        refuse_passphrase("operatorPrivateKey", OPENSSH_PROTECTED)
    assert "pulumi config set --secret operatorPrivateKey" in str(refused.value)
    body = OPENSSH_PROTECTED.splitlines()[1]
    assert body not in str(refused.value)
