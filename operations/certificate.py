"""Check a PFX before anything is written: all that its servers and its clients would refuse, at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

# Exchange 2013 and 2016 run on Windows Server 2012, 2012 R2 and 2016, which cannot read AES in a PFX, nor SHA-256.
OLD_WINDOWS = ("2013", "2016")
# DER of the object identifiers PBES2 and SHA-256. MacData, which names the hash, is the last part of a PFX.
PBES2, SHA256 = bytes.fromhex("06092a864886f70d01050d"), bytes.fromhex("0609608648016503040201")
MAC_BYTES = 120
CNG_PROVIDER = "Key Storage Provider".encode("utf-16-be")
REWRITE = (
    "openssl pkcs12 -in {file} -nodes -out all.pem, then openssl pkcs12 -export -in all.pem -out new.pfx "
    "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1; delete all.pem"
)


@dataclass(frozen=True, kw_only=True)
class CheckedPfx:
    """`content` is what to import; `rewritten` says that it is not the file's own. Without problems it is usable."""

    content: bytes
    problems: tuple[str, ...]
    rewritten: bool = False
    thumbprint: str = ""
    names: tuple[str, ...] = ()
    not_after: datetime | None = None


def check_pfx(content: bytes, password: str, *, file: str, wanted: Sequence[str], exchange_version: str) -> CheckedPfx:
    """Writes the PFX again with TripleDES and SHA-1 if its encryption or its provider is the only obstacle."""
    try:
        key, own, others = pkcs12.load_key_and_certificates(content, password.encode())
    except (ValueError, UnsupportedAlgorithm):
        return CheckedPfx(content=content, problems=("cannot be opened: its password is wrong, or it is not a PFX.",))
    if own is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        text = "has no private key that Exchange can use. Export the certificate with its key and its chain."
        return CheckedPfx(content=content, problems=(text,))
    names = read_alternative_names(own)
    problems = [
        *find_date_problems(own),
        *find_missing_names(names, wanted),
        *find_chain_problems(own, others),
        *find_key_problems(key, exchange_version),
    ]
    obstacle = find_obstacle(content, exchange_version)
    if obstacle and problems:
        problems.append(f"{obstacle} Write it again: {REWRITE.format(file=file)}.")
    elif obstacle:
        content = rewrite_pfx(key, own, others, password)
    return CheckedPfx(
        content=content,
        problems=tuple(problems),
        rewritten=bool(obstacle) and not problems,
        thumbprint=own.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - Windows names certificates by it
        names=names,
        not_after=own.not_valid_after_utc,
    )


def find_obstacle(content: bytes, exchange_version: str) -> str | None:
    if exchange_version in OLD_WINDOWS and (PBES2 in content or SHA256 in content[-MAC_BYTES:]):
        return f"is encrypted with AES-256 or SHA-256, which Windows for Exchange {exchange_version} cannot read."
    if exchange_version == "2013" and CNG_PROVIDER in content:
        return "wants its key in CNG, which Exchange 2013 cannot use."
    return None


def rewrite_pfx(
    key: pkcs12.PKCS12PrivateKeyTypes, own: x509.Certificate, others: Iterable[x509.Certificate], password: str
) -> bytes:
    """With the encryption that every Windows reads, and without the name of a provider."""
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(50_000)
    builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
    encryption = builder.hmac_hash(hashes.SHA1()).build(password.encode())  # noqa: S303
    return pkcs12.serialize_key_and_certificates(None, key, own, list(others), encryption)


def read_alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def find_date_problems(certificate: x509.Certificate) -> Iterator[str]:
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        yield f"ended on {certificate.not_valid_after_utc:%Y-%m-%d}. Renew it."
    if certificate.not_valid_before_utc > now:
        yield f"begins on {certificate.not_valid_before_utc:%Y-%m-%d}. Wait, or look at this computer's clock."


def find_missing_names(names: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """A wildcard stands for one label."""
    missing = [name for name in wanted if name not in names and f"*.{name.partition('.')[2]}" not in names]
    if missing:
        yield f"lacks {', '.join(missing)} (its names: {', '.join(names) or 'none'}). Request one with every name."


def find_chain_problems(certificate: x509.Certificate, others: Sequence[x509.Certificate]) -> Iterator[str]:
    """The issuer must be in the file; the last one may be missing its own, the root, which servers have already."""
    if certificate.issuer == certificate.subject:
        yield "is self-signed, which no client trusts. Request one from an authority."
        return
    issuers = [one for one in others if issued_by(certificate, one)]
    if not issuers:
        issuer = certificate.issuer.rfc4514_string()
        yield f"lacks the certificate of its issuer, {issuer}. Export it with its whole chain."
    elif issuers[0].not_valid_after_utc < datetime.now(UTC):
        yield f"has an issuer that ended on {issuers[0].not_valid_after_utc:%Y-%m-%d}. Export it with a current chain."


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def find_key_problems(key: pkcs12.PKCS12PrivateKeyTypes, exchange_version: str) -> Iterator[str]:
    if exchange_version == "2013" and not isinstance(key, rsa.RSAPrivateKey):
        yield "has a key that is not RSA, so Windows would keep it in CNG, which Exchange 2013 cannot use."
