"""verify finds what is wrong with health pages and certificates, per server and name, over real sockets."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtensionOID

from operations.result import State, exit_code
from tests.unit.deployment import Deployment, Record, describe_findings
from tests.unit.servers import AUTODISCOVER, DOMAIN, OWA, Farm

pytestmark = pytest.mark.unit


@pytest.fixture
def deployment(farm: Farm) -> Deployment:
    return Deployment(farm=farm)


def test_every_handshake_sends_the_name_that_is_checked(deployment: Deployment) -> None:
    asked: list[str | None] = []

    def note(_socket: object, name: str | None, _context: object) -> None:
        asked.append(name)

    deployment.farm.certificates.server_context.sni_callback = note
    deployment.verify()
    assert set(asked) == {OWA, AUTODISCOVER}
    assert asked.count(AUTODISCOVER) == 2 * 2, "on each server the certificate and one page"


def test_an_error_page_is_a_difference_of_that_server_and_service_only(
    deployment: Deployment,
) -> None:
    deployment.farm.organisation.set_component("ex02", "EwsProxy", "Inactive", "HealthAPI")
    result = deployment.verify()
    assert describe_findings(result) == [f"EX02 ews on {OWA}: 503 Service Unavailable"]
    assert exit_code(result.findings()) == 1


def test_a_server_that_answers_instead_of_another_is_a_difference(deployment: Deployment) -> None:
    deployment.outputs["ex01"]["address"], deployment.outputs["ex02"]["address"] = "127.40.1.2", "127.40.1.1"
    assert f"EX01 owa on {OWA}: answered by EX02.corp.example" in describe_findings(deployment.verify())


def test_a_stopped_web_site_is_a_difference_and_the_settings_are_still_read(deployment: Deployment) -> None:
    deployment.servers[0].reset_https()
    result = deployment.verify()
    assert describe_findings(result) == [
        f"EX01 certificate for {name}: the connection is refused" for name in (AUTODISCOVER, OWA)
    ]
    assert len(result.settings[0].settings) == 21
    assert exit_code(result.findings()) == 1


def test_the_health_of_a_server_out_of_rotation_is_shown_and_does_not_count(deployment: Deployment) -> None:
    deployment.outputs["ex02"]["inRotation"] = False
    deployment.rows[:] = [Record(name=name, values=("127.40.1.1",)) for name in ("owa", "autodiscover")]
    deployment.servers[1].reset_https()
    result = deployment.verify()
    assert exit_code(result.findings()) == 0
    assert f"EX02 certificate for {OWA}: the connection is refused" in describe_findings(result, State.SHOWN)


@pytest.mark.parametrize(
    ("names", "days", "trusted", "detail"),
    [
        ([OWA], 90, True, f"not for this name (its names: {OWA})"),
        ([OWA, AUTODISCOVER], 90, False, "unable to get local issuer certificate"),
        ([OWA, AUTODISCOVER], -1, True, "certificate has expired"),
        ([OWA, AUTODISCOVER], 29, True, "ends in 29 days, fewer than 30"),
        ([OWA, AUTODISCOVER], 30, True, None),
        ([f"*.{DOMAIN}"], 90, True, None),
    ],
    ids=["a name missing", "an unknown authority", "expired", "soon to end", "just long enough", "a wildcard"],
)
def test_a_certificate_is_verified_as_clients_do_and_its_days_are_counted(
    deployment: Deployment, names: list[str], days: int, trusted: bool, detail: str | None
) -> None:
    authority, now = trustme.CA(), datetime.now(UTC)
    shown = authority.issue_cert(
        *names, not_before=now - timedelta(days=400), not_after=now + timedelta(days=days, hours=1)
    )
    shown.configure_cert(deployment.farm.certificates.server_context)
    context = deployment.trusted
    if trusted:
        authority.configure_trust(context)
    result = deployment.verify(trusted=context)
    found = [site.certificate for site in result.sites if site.name == AUTODISCOVER]
    assert {certificate.days_left for certificate in found} == {days}
    assert all(detail in certificate.detail if detail else not certificate.detail for certificate in found)
    assert exit_code(result.findings()) == (1 if detail else 0)
    assert all(page.state is State.FINE for site in result.sites for page in site.services)


def test_a_certificate_that_the_stack_did_not_set_is_a_difference_of_its_server(deployment: Deployment) -> None:
    authority, context = trustme.CA(), deployment.trusted
    authority.configure_trust(context)
    shown = authority.issue_cert(OWA, AUTODISCOVER)
    shown.configure_cert(deployment.farm.certificates.server_context)
    der = ssl.PEM_cert_to_DER_cert(shown.cert_chain_pems[0].bytes().decode())
    own, other = hashlib.sha1(der).hexdigest().upper(), "0" * 40  # noqa: S324 - Windows names certificates by it
    for key, thumbprint in (("ex01", own), ("ex02", other)):
        deployment.outputs[key]["certificate"] = {"thumbprint": thumbprint, "notAfter": "2027-01-01T00:00:00Z"}
    found = describe_findings(deployment.verify(trusted=context))
    assert [line.partition(" (")[0] for line in found] == [
        f"EX02 certificate for {name}: is {own}, but the last `pulumi up` set {other}" for name in (AUTODISCOVER, OWA)
    ]


@pytest.mark.parametrize(
    ("trusted", "problem"),
    [(True, "not for this name"), (False, "self-signed certificate")],
    ids=["trusted", "unknown"],
)
@pytest.mark.parametrize(
    "names", [b"\x30\x03\x82\x01\xff", b"\x30\x04\xa3\x02\x05\x00"], ids=["not ASCII", "an X.400 address"]
)
def test_a_certificate_that_cannot_be_parsed_is_a_finding_of_its_server(
    deployment: Deployment, tmp_path: Path, trusted: bool, problem: str, names: bytes
) -> None:
    pem = build_malformed_certificate(tmp_path, names)
    deployment.farm.certificates.server_context.load_cert_chain(pem)
    context = deployment.trusted
    if trusted:
        context.load_verify_locations(pem)
    result = deployment.verify(trusted=context)
    assert len(result.sites) == 2 * 2
    for site in result.sites:
        certificate = site.certificate
        assert (certificate.state, certificate.days_left) == (State.DIFFERENT, None)
        assert certificate.detail.startswith(f"{problem}; it cannot be parsed: ")
        assert certificate.subject == f"{site.server} certificate for {site.name}"
        assert all(page.state is State.FINE for page in site.services)
    assert exit_code(result.findings()) == 1


def build_malformed_certificate(folder: Path, names: bytes) -> Path:
    """A PEM file with a key and a certificate; `names` is its subject alternative name in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "EX01")])
    extension = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=subject, subject_name=subject, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(extension, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "malformed.pem"
    private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private_key + certificate.public_bytes(Encoding.PEM))
    return file
