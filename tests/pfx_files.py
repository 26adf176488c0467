"""PFX files for the tests, made with cryptography: an authority, one below it, and certificates of servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

PASSWORD = "the password of the PFX"  # noqa: S105
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """The same key for the same number, because making one takes long."""
    assert number >= 0
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def issue(
    common_name: str,
    *names: str,
    issuer: Issued | None = None,
    key: Key | None = None,
    days: float = 90,
    since: float = -1,
    is_authority: bool = False,
) -> Issued:
    """Valid from `since` days to `days` days from now; self-signed without `issuer`."""
    key, now = key or rsa_key(), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=since))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    signing = issuer.key if issuer else key
    return Issued(certificate=builder.sign(signing, hashes.SHA256()), key=key)


@cache
def root() -> Issued:
    return issue("Root of the tests", key=ec.generate_private_key(ec.SECP256R1()), days=3650, is_authority=True)


@cache
def intermediate() -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    return issue("Intermediate of the tests", issuer=root(), key=key, days=3650, is_authority=True)


def old_encryption(password: str = PASSWORD) -> KeySerializationEncryption:
    """TripleDES and SHA-1, which every Windows reads."""
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2000)
    builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1())  # noqa: S303
    return builder.build(password.encode())


def new_encryption(password: str = PASSWORD) -> KeySerializationEncryption:
    """AES-256 and SHA-256, which Windows reads from Windows Server 2019 on."""
    return BestAvailableEncryption(password.encode())


def write_pfx(
    issued: Issued,
    *,
    chain: Sequence[Issued] | None = None,
    encryption: KeySerializationEncryption | None = None,
    with_key: bool = True,
) -> bytes:
    """With the intermediate unless `chain` says otherwise."""
    others = [one.certificate for one in ([intermediate()] if chain is None else chain)]
    key = issued.key if with_key else None
    own = issued.certificate if with_key else None
    return pkcs12.serialize_key_and_certificates(
        None, key, own, others if with_key else [issued.certificate, *others], encryption or old_encryption()
    )
