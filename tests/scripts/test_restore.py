from __future__ import annotations

import json
from pathlib import Path

from tests.scripts.servers import ORIGINALS, RESTORE, SCRIPTS, SET, Servers, document, namespace


def test_restore_writes_the_original_values_and_keeps_their_file(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.change("ex1", "oab", "ExternalUrl", "http://old.example.com/OAB/")
    fresh = servers.organisation.settings("ex1")
    assert servers.run(SET, document(settings={"owa": namespace()["owa"]})).exit_code == 0
    originals = servers.root("ex1").joinpath(ORIGINALS).read_bytes()
    assert servers.run(SET, document()).exit_code == 0
    assert servers.organisation.settings("ex1") == namespace()

    outcome = servers.run(RESTORE, document())
    assert outcome.exit_code == 0, outcome.stderr
    restored = servers.organisation.settings("ex1")
    restored["mapi"]["IISAuthenticationMethods"] = fresh["mapi"]["IISAuthenticationMethods"]
    assert restored == fresh
    assert outcome.report["agreement"] is True
    assert outcome.report["settings"]["owa"]["ExternalUrl"]["after"] is None
    assert servers.root("ex1").joinpath(ORIGINALS).read_bytes() == originals

    calls = len(servers.organisation.calls())
    assert servers.run(RESTORE, {"server": "ex1", "exchangeVersion": "2016"}).exit_code == 0
    assert servers.writes(after=calls) == []


def test_restore_without_a_file_of_original_values_changes_nothing(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(RESTORE, document())
    assert (outcome.exit_code, servers.writes()) == (7, [])
    assert "has not run on this server" in outcome.stderr


def test_an_unusable_file_of_original_values_stops_both_scripts_before_the_first_write(
    servers: Servers,
) -> None:
    servers.organisation.add_server("ex1")
    file = servers.root("ex1") / ORIGINALS
    file.parent.mkdir(parents=True)
    for script, content, reason in (
        (SET, "", "is damaged"),
        (RESTORE, json.dumps({"server": "EX2", "settings": namespace()}), "belongs to EX2, not to EX1"),
    ):
        file.write_text(content, encoding="utf-8")
        outcome = servers.run(script, document())
        assert (outcome.exit_code, servers.writes()) == (1, [])
        assert f"original-namespace.json) {reason}. Nothing was changed." in outcome.stderr
        assert "Restore it from a backup. If the present values may count" in outcome.stderr
        assert file.read_text(encoding="utf-8") == content
        assert list(file.parent.iterdir()) == [file]


def kept(settings: object, server: object = "EX1") -> str:
    return json.dumps({"server": server, "settings": settings})


WHOLE = kept({"owa": {"InternalUrl": "https://ex1/owa", "ExternalUrl": None}, "mapi": {"IISAuthenticationMethods": []}})
PROFILES = ("DomainProfile", "PublicProfile", "StandardProfile")
STEALTH: dict[str, object] = dict.fromkeys(PROFILES)
NOT_WHOLE = (
    "",
    "null",
    WHOLE[:-9],
    f"[{WHOLE}]",
    kept({}),
    kept([]),
    kept({"owa": {}}),
    kept({"owa": ["https://ex1/owa"]}),
    kept({"owa": {"InternalUrl": ["https://ex1/owa"]}}),
    kept({"owa": {"SomeUrl": "https://ex1/owa"}}),
    kept({"pop3": {"InternalUrl": "https://ex1/owa"}}),
    kept({"outlookAnywhere": {"SSLOffloading": "True"}}),
    kept({"mapi": {"IISAuthenticationMethods": [["Ntlm"]]}}),
    kept(json.loads(WHOLE)["settings"], server=["EX1"]),
    kept(json.loads(WHOLE)["settings"], server=None),
)
NOT_WHOLE_FIREWALL = (
    "",
    "{",
    json.dumps({"server": "EX1"}),
    json.dumps({"server": ["EX1"], "disableStealthMode": STEALTH}),
    json.dumps({"server": "EX1", "disableStealthMode": [1, 1, 1]}),
    json.dumps({"server": "EX1", "disableStealthMode": {"DomainProfile": 1}}),
    json.dumps({"server": "EX1", "disableStealthMode": {**STEALTH, "PublicProfile": "1"}}),
    json.dumps({"server": "EX1", "disableStealthMode": {**STEALTH, "PublicProfile": [1]}}),
)


def test_a_file_of_original_values_is_accepted_only_if_it_is_complete_and_from_this_server(servers: Servers) -> None:
    namespace_files = [WHOLE, kept({"owa": {"InternalUrl": "x"}}, "EX1\n"), kept({"owa": {"InternalUrl": "x"}}, "EX2")]
    firewall_files = [
        json.dumps({"server": "ex1", "disableStealthMode": {**STEALTH, "PublicProfile": 1}}),
        json.dumps({"server": "EX2", "disableStealthMode": STEALTH}),
    ]
    given = {
        "namespace": [*namespace_files, *NOT_WHOLE],
        "firewall": [*firewall_files, *NOT_WHOLE_FIREWALL],
    }
    outcome = servers.run(Path(__file__).with_name("kept_files.ps1"), given, "-Scripts", str(SCRIPTS))
    assert outcome.exit_code == 0, outcome.stderr
    found = outcome.printed
    whole, trailing, other, *rest = found["namespace"]
    assert whole is None
    assert "not to EX1" in trailing
    assert "belongs to EX2, not to EX1" in other
    assert [content for content, said in zip(NOT_WHOLE, rest, strict=True) if "is damaged" not in str(said)] == []
    whole, other, *rest = found["firewall"]
    assert whole is None
    assert "The file of the firewall's original values of EX1" in other
    assert "belongs to EX2, not to EX1. Nothing was changed. Restore it from a backup. If the" in other
    assert [
        content for content, said in zip(NOT_WHOLE_FIREWALL, rest, strict=True) if "is damaged" not in str(said)
    ] == []
