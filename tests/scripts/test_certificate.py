"""Set-ClientAccessCertificate.ps1 on the Exchange stand-in: what it checks, changes and keeps."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest

from tests import pfx_files
from tests.pfx_files import PASSWORD, Issued, issue
from tests.scripts.servers import CERTIFY, NAMES, Document, Outcome, Servers

DUE = "C/ProgramData/ExchangeCas/due-restart-w3svc"
SITE, BACK_END = "Default Web Site", "Exchange Back End"
WRITES = ("Import-ExchangeCertificate", "Enable-ExchangeCertificate", "AddSslCertificate", "Restart-Service")


@pytest.fixture(scope="module")
def good() -> Issued:
    return issue("mail.example.com", *NAMES, issuer=pfx_files.intermediate())


@pytest.fixture
def ready(servers: Servers) -> Servers:
    """ex1 with Exchange 2016; its Windows trusts the tests' root."""
    servers.organisation.add_server("ex1")
    servers.authority = servers.folder / "root.pem"
    servers.authority.write_bytes(pfx_files.root().pem)
    return servers


def document(pfx: bytes | None = None, *, thumbprint: str | None = None, **changes: object) -> Document:
    given: dict[str, Any] = {"thumbprint": thumbprint}
    if pfx is not None:
        given = {"pfx": base64.b64encode(pfx).decode(), "password": PASSWORD}
    return {
        "server": "ex1",
        "exchangeVersion": "2016",
        "certificate": given,
        "services": ["IIS"],
        "names": sorted(NAMES),
        "drain": False,
        **changes,
    }


def certify(servers: Servers, given: Document) -> Outcome:
    outcome = servers.run(CERTIFY, given)
    assert outcome.exit_code == 0, outcome.stderr
    return outcome


def writes(servers: Servers) -> list[str]:
    return [name for name in servers.cmdlets() if name in WRITES]


def test_a_pfx_is_imported_and_shown_and_what_was_there_stays(ready: Servers, good: Issued) -> None:
    (own,) = ready.organisation.certificates("ex1")
    outcome = certify(ready, document(pfx_files.write_pfx(good)))
    report = outcome.report
    assert (report["thumbprint"], report["subject"]) == (good.thumbprint, "CN=mail.example.com")
    assert sorted(report["names"]) == sorted(NAMES)
    assert datetime.fromisoformat(report["notAfter"]) == good.certificate.not_valid_after_utc
    assert (report["services"], report["imported"], report["changed"]) == (["IIS"], True, True)
    bindings = ready.organisation.bindings("ex1")
    assert set(bindings[SITE].values()) == {good.thumbprint}
    assert set(bindings[BACK_END].values()) == {own}
    kept = ready.organisation.certificates("ex1")
    assert set(kept) == {own, good.thumbprint}
    assert kept[own]["services"] == ["SMTP", "POP", "IMAP"]
    assert writes(ready) == ["Import-ExchangeCertificate", "Enable-ExchangeCertificate", "Restart-Service"]
    assert not (ready.root("ex1") / DUE).exists()


def test_a_second_run_changes_nothing(ready: Servers, good: Issued) -> None:
    given = document(pfx_files.write_pfx(good))
    certify(ready, given)
    state, before = ready.state_file("ex1").read_text(encoding="utf-8"), writes(ready)
    again = certify(ready, given).report
    assert (again["changed"], again["thumbprint"], again["services"]) == (False, good.thumbprint, ["IIS"])
    assert ready.state_file("ex1").read_text(encoding="utf-8") == state
    assert writes(ready) == before


def test_a_thumbprint_selects_a_certificate_that_is_there_and_smtp_is_enabled_if_asked(
    ready: Servers, good: Issued
) -> None:
    given = document(thumbprint=good.thumbprint.lower(), services=["IIS", "SMTP"])
    missing = ready.run(CERTIFY, given)
    assert missing.exit_code == 2
    assert f"does not show {good.thumbprint}" in missing.stderr
    certify(ready, document(pfx_files.write_pfx(good)))
    report = certify(ready, given).report
    assert (report["services"], report["enabled"]) == (["IIS", "SMTP"], ["SMTP"])


@pytest.mark.parametrize("restart_fails", [True, False], ids=["restart", "enable"])
def test_the_next_run_goes_on_where_a_failed_one_stopped(ready: Servers, good: Issued, restart_fails: bool) -> None:
    given = document(pfx_files.write_pfx(good), drain=True)
    failing = "Restart-Service W3SVC" if restart_fails else "Enable-ExchangeCertificate"
    # With drain, the first restart of W3SVC ends the sessions of clients.
    ready.organisation.fail("ex1", failing, "Access is denied.", after=0)
    outcome = ready.run(CERTIFY, given)
    assert outcome.exit_code == 1
    assert "Access is denied." in outcome.stderr
    ready.organisation.mend("ex1", failing)
    report = certify(ready, given).report
    assert report["imported"] is False
    assert "W3SVC" in report["restarted"]
    assert set(ready.organisation.bindings("ex1")[SITE].values()) == {good.thumbprint}
    states = ready.organisation.component_states("ex1")
    assert {states[name] for name in ("ServerWideOffline", "HubTransport", "UMCallRouter")} == {"Active"}


def test_with_drain_the_server_is_offline_while_its_certificate_changes(ready: Servers, good: Issued) -> None:
    certify(ready, document(pfx_files.write_pfx(good), drain=True))
    found = [
        f"{call.parameters['Component']}={call.parameters['State']}"
        if call.cmdlet == "Set-ServerComponentState"
        else call.cmdlet
        for call in ready.organisation.calls()
        if call.cmdlet in (*WRITES, "Set-ServerComponentState")
        if call.parameters.get("Name") != "MSExchangeTransport"
    ]
    assert found == [
        "Import-ExchangeCertificate",
        "HubTransport=Draining",
        "UMCallRouter=Draining",
        "Restart-Service",
        "ServerWideOffline=Inactive",
        "Enable-ExchangeCertificate",
        "Restart-Service",
        "ServerWideOffline=Active",
        "UMCallRouter=Active",
        "HubTransport=Active",
    ]


def test_a_binding_that_enable_forgot_gets_the_certificate_and_the_back_end_its_own_again(
    ready: Servers, good: Issued
) -> None:
    (own,) = ready.organisation.certificates("ex1")
    certify(ready, document(pfx_files.write_pfx(good)))
    ready.organisation.bind("ex1", SITE, own)
    report = certify(ready, document(thumbprint=good.thumbprint)).report
    assert report["enabled"] == []
    assert len(report["bindings"]) == 2
    assert set(ready.organisation.bindings("ex1")[SITE].values()) == {good.thumbprint}
    ready.organisation.bind("ex1", SITE, own)
    ready.organisation.fail("ex1", "AddSslCertificate", None)
    outcome = ready.run(CERTIFY, document(thumbprint=good.thumbprint))
    assert outcome.exit_code == 4
    assert "read back otherwise: Default Web Site" in outcome.stderr


def test_all_problems_of_a_certificate_are_reported_at_once_and_nothing_is_changed(ready: Servers) -> None:
    stranger = issue("Another root", is_authority=True)
    bad = issue("mail.example.com", "mail.example.com", issuer=stranger, key=pfx_files.rsa_key(1), days=-0.5, since=-9)
    outcome = ready.run(CERTIFY, document(pfx_files.write_pfx(bad, encryption=pfx_files.new_encryption())))
    assert outcome.exit_code == 2
    (windows,) = [outcome.stderr]
    assert "it ended on" in windows
    assert "it lacks autodiscover.example.com" in windows
    assert "does not trust its chain (PartialChain)" in windows
    assert ready.cmdlets() == []


@pytest.mark.parametrize(
    ("version", "build", "make", "found"),
    [
        ("2016", 14393, {"encryption": pfx_files.new_encryption()}, "AES-256 or SHA-256"),
        ("2016", 17763, {"with_key": False}, "0 certificates with a private key"),
        ("2013", 9600, {"provider": True}, "wants its key in CNG"),
        ("2016", 17763, {"encryption": pfx_files.old_encryption("another")}, "cannot be opened"),
    ],
    ids=["AES", "no key", "CNG", "wrong password"],
)
def test_a_pfx_that_this_server_cannot_use_is_refused_by_name(
    servers: Servers, good: Issued, version: str, build: int, make: dict[str, Any], found: str
) -> None:
    servers.organisation.add_server("ex1", version=version)
    servers.authority = servers.folder / "root.pem"
    servers.authority.write_bytes(pfx_files.root().pem)
    servers.windows("ex1", build=build)
    provider = make.pop("provider", False) if "provider" in make else False
    pfx = pfx_files.write_pfx(good, **make)
    if provider:
        # Behind the PFX, where nothing reads it, as no library for Python writes the attribute.
        pfx += "Microsoft Software Key Storage Provider".encode("utf-16-be")
    outcome = servers.run(CERTIFY, document(pfx, exchangeVersion=version))
    assert outcome.exit_code == 2
    assert found in outcome.stderr
    assert servers.cmdlets() == []


def test_2013_refuses_a_key_in_cng_that_is_in_the_store(servers: Servers, good: Issued) -> None:
    servers.organisation.add_server("ex1", version="2013")
    shown = {"subject": "CN=mail", "names": list(NAMES), "hasPrivateKey": True, "status": "Valid"}
    dates = {"notBefore": "2026-01-01T00:00:00Z", "notAfter": "2099-01-01T00:00:00Z"}
    provider = "Microsoft Software Key Storage Provider"
    servers.organisation.put_certificate("ex1", good.thumbprint, **shown, **dates, provider=provider)
    given = document(thumbprint=good.thumbprint, exchangeVersion="2013")
    outcome = servers.run(CERTIFY, given)
    assert outcome.exit_code == 2
    assert "its key is in CNG" in outcome.stderr
    servers.organisation.put_certificate(
        "ex1", good.thumbprint, provider="Microsoft RSA SChannel Cryptographic Provider"
    )
    assert certify(servers, given).report["services"] == ["IIS"]


def test_all_problems_of_a_document_are_reported_at_once(ready: Servers) -> None:
    wrong = document(services=["POP"], names=["not a name"], drain="yes")
    wrong["certificate"] = {"pfx": "never base64!", "password": "", "file": "C:\\a.pfx"}
    outcome = ready.run(CERTIFY, wrong)
    assert outcome.exit_code == 2
    lines = outcome.stderr.splitlines()
    starts = ("certificate.file:", "certificate.password:", "certificate.pfx:", "services:", "names:", "drain:")
    assert [line.strip().split(" ")[0] for line in lines[1:]] == list(starts)
    assert "never" not in outcome.stderr + outcome.stdout


@pytest.mark.parametrize("failing", ["", "Import-ExchangeCertificate", "Enable-ExchangeCertificate"])
def test_neither_the_pfx_nor_its_password_is_left_anywhere(ready: Servers, good: Issued, failing: str) -> None:
    if failing:
        ready.organisation.fail("ex1", failing, "Access is denied.")
    pfx = pfx_files.write_pfx(good)
    outcome = ready.run(CERTIFY, document(pfx))
    assert outcome.exit_code == (1 if failing else 0)
    canaries = (PASSWORD.encode(), base64.b64encode(pfx)[40:80], pfx[100:140])
    texts = [outcome.stdout.encode(), outcome.stderr.encode()]
    files = [file for file in ready.folder.rglob("*") if file.is_file()]
    assert any(file.suffix == ".jsonl" for file in files), "the calls are among them"
    texts += [file.read_bytes() for file in files]
    assert [canary for canary in canaries for text in texts if canary in text] == []
