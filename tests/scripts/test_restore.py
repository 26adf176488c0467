from __future__ import annotations

import json

from tests.scripts.servers import ORIGINALS, RESTORE, SET, Servers, document, namespace


def test_restore_puts_back_what_first_contact_found_and_keeps_the_file(servers: Servers) -> None:
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


def test_restore_without_a_file_of_this_server_changes_nothing(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(RESTORE, document())
    assert (outcome.exit_code, servers.writes()) == (7, [])
    assert "has not run on this server" in outcome.stderr

    file = servers.root("ex1") / ORIGINALS
    file.parent.mkdir()
    for content, reason in (
        ("{", "cannot be understood"),
        (json.dumps({"server": "EX2", "settings": namespace()}), "is of EX2, not of EX1"),
    ):
        file.write_text(content, encoding="utf-8")
        outcome = servers.run(RESTORE, document())
        assert (outcome.exit_code, servers.writes()) == (1, [])
        assert reason in outcome.stderr
