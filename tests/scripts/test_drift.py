"""Every single setting, changed by hand, is found and healed."""

from __future__ import annotations

import json

from tests.scripts.servers import GET, SET, Servers, document, namespace


def drifted(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return ["Negotiate"]
    if str(value).startswith("https:"):
        return f"{value}/elsewhere"
    return "Basic" if value == "Ntlm" else "elsewhere.example.com"


def rounds() -> list[list[tuple[str, str]]]:
    """Each setting once; in one round at most one setting of a service."""
    columns = [[(service, setting) for setting in settings] for service, settings in namespace().items()]
    return [[column[i] for column in columns if i < len(column)] for i in range(max(map(len, columns)))]


def test_drift_of_each_single_setting_is_seen_by_get_and_healed_by_one_set_call(servers: Servers) -> None:
    organisation = servers.organisation
    plan = {f"ex{number}": settings for number, settings in enumerate(rounds(), start=1)}
    for server, settings in plan.items():
        organisation.add_server(server)
        for service, values in namespace().items():
            for setting, value in values.items():
                changed = (service, setting) in settings
                organisation.change(server, service, setting, drifted(value) if changed else value)
    seen = servers.run_all([(GET, document(server), server) for server in plan])
    healed = servers.run_all([(SET, document(server), server) for server in plan])

    for (server, settings), get, set_ in zip(plan.items(), seen, healed, strict=True):
        for service, values in namespace().items():
            for setting, value in values.items():
                reported = get.report["settings"][service][setting]
                same = sorted(reported) == sorted(value) if isinstance(value, list) else reported == value
                assert same is ((service, setting) not in settings), (server, service, setting)
        assert set_.exit_code == 0, set_.stderr
        assert set_.report["changed"] == len(settings)
        writes = [c for c in organisation.calls() if c.server == server.upper() and c.cmdlet.startswith("Set-")]
        assert len(writes) == len(settings)
        assert json.dumps(organisation.settings(server), sort_keys=True) == json.dumps(namespace(), sort_keys=True)


def test_case_is_no_drift_and_a_trailing_slash_is(servers: Servers) -> None:
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
