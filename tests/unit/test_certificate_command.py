"""`python -m operations certificate`: what it refuses before anything is written, and what it sets."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from typer.testing import CliRunner

from operations import certificate_command
from operations.__main__ import app
from operations.certificate import CheckedPfx, check_pfx
from tests import pfx_files
from tests.pfx_files import PASSWORD, intermediate, issue, write_pfx

NAMES = ("autodiscover.mail-domain.com", "owa.mail-domain.com")


def check(
    content: bytes, *, password: str = PASSWORD, wanted: Sequence[str] = NAMES, version: str = "SE"
) -> CheckedPfx:
    return check_pfx(content, password, file="new.pfx", wanted=wanted, exchange_version=version)


def test_a_good_pfx_is_taken_as_it_is() -> None:
    good = issue("owa", "*.mail-domain.com", issuer=intermediate())
    content = write_pfx(good, encryption=pfx_files.new_encryption())
    checked = check(content)
    assert (checked.problems, checked.content, checked.rewritten) == ((), content, False)
    assert (checked.thumbprint, checked.names) == (good.thumbprint, ("*.mail-domain.com",))


def test_all_problems_are_told_at_once() -> None:
    bad = issue("owa", "owa.mail-domain.com", issuer=intermediate(), days=-1, since=-9)
    content = write_pfx(bad, chain=[], encryption=pfx_files.new_encryption())
    found = check(content, version="2016").problems
    assert len(found) == 4
    for part in ("ended on", "lacks autodiscover.mail-domain.com", "lacks the certificate of its issuer", "openssl"):
        assert any(part in problem for problem in found), part


@pytest.mark.parametrize(
    ("content", "password", "found"),
    [
        (b"never a PFX", PASSWORD, "cannot be opened"),
        (write_pfx(issue("owa", *NAMES, issuer=intermediate())), "another", "cannot be opened"),
        (write_pfx(issue("owa", *NAMES, issuer=intermediate()), with_key=False), PASSWORD, "has no private key"),
        (write_pfx(issue("owa", *NAMES), chain=[]), PASSWORD, "is self-signed"),
    ],
    ids=["not a PFX", "wrong password", "no key", "self-signed"],
)
def test_an_unusable_file_is_refused(content: bytes, password: str, found: str) -> None:
    (problem,) = check(content, password=password).problems
    assert found in problem


@pytest.mark.parametrize("version", ["2013", "2016"])
def test_a_pfx_that_old_windows_cannot_read_is_written_again(version: str) -> None:
    good = issue("owa", *NAMES, issuer=intermediate())
    checked = check(write_pfx(good, encryption=pfx_files.new_encryption()), version=version)
    assert (checked.problems, checked.rewritten) == ((), True)
    again = check(checked.content, version=version)
    assert (again.problems, again.rewritten, again.thumbprint) == ((), False, good.thumbprint)
    key, _, others = pkcs12.load_key_and_certificates(checked.content, PASSWORD.encode())
    assert key is not None
    assert others == [intermediate().certificate]


@pytest.mark.parametrize("good", [True, False])
def test_the_secrets_go_through_standard_input_and_only_if_the_file_is_good(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, good: bool
) -> None:
    content = write_pfx(issue("owa", *(NAMES if good else NAMES[:1]), issuer=intermediate()))
    (tmp_path / "new.pfx").write_bytes(content)
    config = {
        "azure-native:location": {"value": "westeurope"},
        "exchange-cas:namespace": {"value": '{"domain": "mail-domain.com"}'},
        "exchange-cas:operator": {"value": "CORP\\op"},
        "exchange-cas:operatorPassword": {"secret": True},
        "exchange-cas:adminPassword": {"secret": True},
        "exchange-cas:allowSingleServer": {"value": "true"},
        "exchange-cas:servers": {"value": '{"ex01": {"computerName": "EX01", "address": "10.40.0.11"}}'},
        "exchange-cas:dns": {"value": '{"private": {}}'},
    }
    calls: list[tuple[tuple[str, ...], str]] = []

    def run(*words: str, given: str = "", **_: object) -> str:
        calls.append((words, given))
        return json.dumps(config) if "--json" in words else ""

    monkeypatch.setattr(certificate_command, "run_pulumi", run)
    result = CliRunner().invoke(app, ["certificate", str(tmp_path / "new.pfx")], input=f"{PASSWORD}\n")
    written = {words[-1]: given for words, given in calls if words[:2] == ("config", "set")}
    if good:
        assert result.exit_code == 0, result.output
        assert written == {"certificatePassword": PASSWORD, "certificatePfx": base64.b64encode(content).decode()}
    else:
        assert (result.exit_code, written) == (1, {})
        assert "lacks owa.mail-domain.com" in result.output
    assert not any(PASSWORD in word for words, _ in calls for word in words)
    assert PASSWORD not in result.output
