"""SSH private keys among a stack's secrets. No Pulumi here."""

from __future__ import annotations

import base64
import re

OPENSSH = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----(.*?)-----END", re.DOTALL)
MAGIC = b"openssh-key-v1\0"
IN_PLAIN = MAGIC + b"\0\0\0\x04none"


def checked(name: str, text: str) -> str:
    """The key itself, whose secret has this name. Raises ValueError for one with a passphrase."""
    if with_passphrase(text):
        raise ValueError(
            f"{name} is protected by a passphrase, which no run asks for. Take it off a copy of the key "
            f'(ssh-keygen -p -N "" -f COPY), then: pulumi config set --secret {name} < COPY'
        )
    return text


def with_passphrase(text: str) -> bool:
    """Whether a passphrase is needed to use this key; False for what is no key at all."""
    if "Proc-Type: 4,ENCRYPTED" in text or "BEGIN ENCRYPTED PRIVATE KEY" in text:
        return True
    found = OPENSSH.search(text)
    try:
        stored = base64.b64decode(found[1]) if found else b""
    except ValueError:
        return False
    return stored.startswith(MAGIC) and not stored.startswith(IN_PLAIN)
