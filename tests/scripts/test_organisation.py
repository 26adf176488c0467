"""The Python view of the Exchange stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.stand_ins.exchange import Organisation


def everything_in(folder: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file())


def test_a_fresh_server_has_its_own_name_in_its_urls(tmp_path: Path) -> None:
    organisation = Organisation(tmp_path)
    organisation.add_server("Ex-Cas16-1", domain="mail-domain.com")
    settings = organisation.settings("ex-cas16-1")
    assert settings["ews"]["InternalUrl"] == "https://ex-cas16-1.mail-domain.com/EWS/Exchange.asmx"
    assert settings["outlookAnywhere"]["InternalHostname"] == "ex-cas16-1.mail-domain.com"
    assert settings["owa"]["ExternalUrl"] is None


def test_the_state_outlives_the_object_and_a_removed_server_is_gone(tmp_path: Path) -> None:
    Organisation(tmp_path).add_server("ex1")
    again = Organisation(tmp_path)
    again.change("EX1", "oab", "ExternalUrl", "https://elsewhere.example.com/OAB")
    assert Organisation(tmp_path).settings("ex1")["oab"]["ExternalUrl"] == "https://elsewhere.example.com/OAB"
    again.remove_server("ex1")
    again.remove_server("ex1")
    with pytest.raises(KeyError):
        again.settings("ex1")


@pytest.mark.parametrize(("service", "setting"), [("pop3", "InternalUrl"), ("owa", "InternalUri")])
def test_drift_of_a_setting_that_does_not_exist_is_refused(tmp_path: Path, service: str, setting: str) -> None:
    organisation = Organisation(tmp_path)
    organisation.add_server("ex1")
    before = everything_in(tmp_path)
    with pytest.raises(KeyError):
        organisation.change("ex1", service, setting, "x")
    assert everything_in(tmp_path) == before


def test_passwords_are_kept_as_salted_hashes(tmp_path: Path) -> None:
    organisation = Organisation(tmp_path)
    organisation.add_account(r"CORP\one", "S3cret-pass")
    organisation.add_account(r"CORP\two", "S3cret-pass")
    kept = everything_in(tmp_path)
    assert r"corp\\one" in kept
    assert "S3cret-pass" not in kept
    hashes = [line for line in kept.splitlines() if '"hash"' in line]
    assert len(set(hashes)) == 2
