"""Every single setting, changed by hand, is found and healed."""

from __future__ import annotations

import json
from typing import Any

from operations.check.settings import is_same_setting
from tests.scripts.servers import GET, SET, Servers, document, namespace


def drifted(setting: str, value: object) -> object:
    """Another value, and another one for each setting of a kind that allows it."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return ["Negotiate"]
    if str(value).startswith("https:"):
        return f"{value}/{setting}"
    return "Basic" if value == "Ntlm" else f"{setting.lower()}.example.com"


def rounds() -> list[list[tuple[str, str]]]:
    """Each setting once; in one round at most one setting of a service."""
    columns = [[(service, setting) for setting in settings] for service, settings in namespace().items()]
    return [[column[i] for column in columns if i < len(column)] for i in range(max(map(len, columns)))]


def prepare(servers: Servers, server: str, drift: list[tuple[str, str]]) -> None:
    """A server that holds the namespace but for these settings."""
    servers.organisation.add_server(server)
    for service, values in namespace().items():
        for setting, value in values.items():
            held = drifted(setting, value) if (service, setting) in drift else value
            servers.organisation.change(server, service, setting, held)


def test_get_reports_the_actual_value_of_each_setting(servers: Servers) -> None:
    everything = [(service, setting) for service, settings in namespace().items() for setting in settings]
    prepare(servers, "ex1", everything)
    reported = servers.run(GET, document()).report["settings"]
    for service, setting in everything:
        assert reported[service][setting] == drifted(setting, namespace()[service][setting])


def test_drift_of_each_single_setting_is_healed_by_one_set_call(servers: Servers) -> None:
    organisation = servers.organisation
    plan = {f"ex{number}": settings for number, settings in enumerate(rounds(), start=1)}
    for server, settings in plan.items():
        prepare(servers, server, settings)
    healed = servers.run_all([(SET, document(server), server) for server in plan])

    for (server, settings), outcome in zip(plan.items(), healed, strict=True):
        assert outcome.exit_code == 0, outcome.stderr
        found = {
            (service, setting)
            for service, entries in outcome.report["settings"].items()
            for setting, entry in entries.items()
            if entry["changed"]
        }
        assert found == set(settings)
        writes = [c for c in organisation.calls() if c.server == server.upper() and c.cmdlet.startswith("Set-")]
        assert len(writes) == len(settings)
        assert json.dumps(organisation.settings(server), sort_keys=True) == json.dumps(namespace(), sort_keys=True)


def test_another_case_is_not_drift_but_a_trailing_slash_is(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    settings = {
        "owa": {"InternalUrl": "HTTPS://Mail.Example.COM/OWA"},
        "ecp": {"InternalUrl": "https://mail.example.com/ecp/"},
    }
    servers.organisation.change("ex1", "owa", "InternalUrl", "https://mail.example.com/owa")
    servers.organisation.change("ex1", "ecp", "InternalUrl", "https://mail.example.com/ecp")
    outcome = servers.run(SET, document(settings=settings))
    assert outcome.exit_code == 0, outcome.stderr
    assert servers.writes() == ["Set-EcpVirtualDirectory"]
    assert servers.organisation.settings("ex1")["ecp"]["InternalUrl"] == "https://mail.example.com/ecp/"


def test_a_value_that_exchange_keeps_in_another_form_is_written_only_once(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    settings: dict[str, dict[str, Any]] = {
        "owa": {"InternalUrl": "https://mail.example.com", "ExternalUrl": "https://mail.example.com:443/owa"},
        "mapi": {
            "InternalUrl": "https://mail.example.com:443",
            "IISAuthenticationMethods": ["Ntlm", "OAuth", "Ntlm"],
        },
    }
    assert servers.run(SET, document(settings=settings)).exit_code == 0
    calls = len(servers.organisation.calls())
    assert servers.run(SET, document(settings=settings)).exit_code == 0
    assert servers.writes(after=calls) == []
    held = servers.run(GET, document()).report["settings"]
    assert held["owa"] == {"InternalUrl": "https://mail.example.com/", "ExternalUrl": "https://mail.example.com/owa"}
    for service, values in settings.items():
        for setting, value in values.items():
            assert is_same_setting(value, held[service][setting]), setting
