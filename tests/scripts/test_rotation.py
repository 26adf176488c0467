"""Set-ClientAccessRotation.ps1 on the Exchange stand-in: the order of its steps, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rehearsal.stand_ins.exchange import CmdletCall
from tests.scripts.servers import ROTATE, SCRIPTS, STEPS_TOLD, Outcome, Servers, rotation
from tests.scripts.web_site import GateSite

STEPS = ("Set-ServerComponentState", "Restart-Service")


def steps(servers: Servers, *, after: int = 0) -> list[str]:
    """What changed something, in order: HubTransport=Draining, W3SVC restarted."""
    return [_step(call) for call in servers.organisation.calls()[after:] if call.cmdlet in STEPS]


def _step(call: CmdletCall) -> str:
    if call.cmdlet == "Restart-Service":
        return f"{call.parameters['Name']} restarted"
    assert call.parameters["Requester"] == "Maintenance"
    assert call.parameters["Identity"].upper() == call.server
    return f"{call.parameters['Component']}={call.parameters['State']}"


def rotate(servers: Servers, site: GateSite, *, into: bool, **changes: Any) -> Outcome:
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=into, **changes))
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["done"] is True
    return outcome


@pytest.mark.parametrize(
    ("version", "draining"),
    [
        ("2013", ["UMCallRouter=Draining"]),
        ("2016", ["HubTransport=Draining", "MSExchangeTransport restarted", "UMCallRouter=Draining"]),
        ("SE", ["HubTransport=Draining", "MSExchangeTransport restarted"]),
    ],
)
def test_connections_are_closed_between_draining_and_offline_and_entering_rotation_undoes_both(
    servers: Servers, site: GateSite, version: str, draining: list[str]
) -> None:
    servers.organisation.add_server("ex1", version=version)
    fresh = servers.organisation.component_states("ex1")

    left = rotate(servers, site, into=False, version=version)
    assert steps(servers) == [*draining, "W3SVC restarted", "ServerWideOffline=Inactive"]
    active = [name for name, state in servers.organisation.component_states("ex1").items() if state == "Active"]
    assert active == ["Monitoring", "RecoveryActionsEnabled"]
    assert left.report["components"]["ServerWideOffline"] == {"before": "Active", "after": "Inactive", "changed": True}
    assert left.report["restarted"] == [step.split()[0] for step in steps(servers) if step.endswith("restarted")]

    calls = len(servers.organisation.calls())
    entered = rotate(servers, site, into=True, version=version)
    back = steps(servers, after=calls)
    assert back[0] == "ServerWideOffline=Active"
    assert {step for step in back if "=" in step} == {
        "ServerWideOffline=Active",
        *(step.replace("Draining", "Active") for step in draining if "=" in step),
    }
    assert "W3SVC restarted" not in back
    assert ("MSExchangeTransport restarted" in back) == ("HubTransport=Draining" in draining)
    assert servers.organisation.component_states("ex1") == fresh
    assert set(entered.report["health"]) == set(rotation(1, in_rotation=True)["health"]["names"])


@pytest.mark.parametrize("into", [True, False], ids=["into", "out of"])
def test_a_second_run_changes_nothing_and_waits_for_nothing(servers: Servers, site: GateSite, into: bool) -> None:
    servers.organisation.add_server("ex1")
    rotate(servers, site, into=into)
    calls, state = len(servers.organisation.calls()), servers.state_file("ex1").read_text(encoding="utf-8")
    again = rotate(servers, site, into=into, drainSeconds=3600)
    assert steps(servers, after=calls) == []
    assert servers.state_file("ex1").read_text(encoding="utf-8") == state
    assert (again.report["drainedSeconds"], again.report["restarted"]) == (0, [])


def test_no_session_is_open_and_nothing_is_changed_while_clients_may_hold_the_address(
    servers: Servers, site: GateSite
) -> None:
    servers.organisation.add_server("ex1")
    outcome = rotate(servers, site, into=False, drainSeconds=2)
    assert outcome.report["drainedSeconds"] == 2
    steps = [line for line in outcome.stderr.splitlines() if line.startswith(("Clients may", *STEPS_TOLD))]
    assert [line.removesuffix(" by the requester Maintenance.") for line in steps if "1 s more" not in line] == [
        "Clients may hold the address of EX1 for 2 s more.",
        "HubTransport: set to Draining",
        "MSExchangeTransport: restarted.",
        "UMCallRouter: set to Draining",
        "W3SVC: restarted.",
        "ServerWideOffline: set to Inactive",
    ]
    # One session to look, one to drain, one after the restart: each is closed before the next is opened.
    calls = [call for call in servers.organisation.calls() if call.cmdlet in ("New-PSSession", "Remove-PSSession")]
    assert [call.cmdlet for call in calls] == ["New-PSSession", "Remove-PSSession"] * 3
    _, looked, next_session, *_ = calls
    assert next_session.at - looked.at >= 2
    commands = servers.cmdlets()
    assert not set(STEPS) & set(commands[: commands.index("Remove-PSSession")])


def test_a_web_site_that_has_just_restarted_may_refuse_a_session_for_a_while(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.windows("ex1", refusedSessions=1)
    outcome = rotate(servers, site, into=False)
    assert "gives no session yet" in outcome.stderr
    assert steps(servers)[-2:] == ["W3SVC restarted", "ServerWideOffline=Inactive"]


def test_components_that_another_requester_holds_stay_as_they_are(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.set_component("ex1", "HubTransport", "Draining", "Functional")
    servers.organisation.set_component("ex1", "ImapProxy", "Inactive", "HealthAPI")
    rotate(servers, site, into=True)
    assert steps(servers) == []
    states = servers.organisation.component_states("ex1")
    assert (states["HubTransport"], states["ImapProxy"]) == ("Draining", "Inactive")


@pytest.mark.parametrize("only", ["local", "remote"])
def test_a_mark_in_only_the_registry_or_active_directory_keeps_a_server_offline_and_is_removed(
    servers: Servers, site: GateSite, only: str
) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.set_component("ex1", "ServerWideOffline", "Inactive", "Maintenance", only=only)
    rotate(servers, site, into=False)
    assert steps(servers) == [], "it is offline already"
    rotate(servers, site, into=True)
    assert steps(servers) == ["ServerWideOffline=Active"]
    assert servers.organisation.component_states("ex1")["ServerWideOffline"] == "Active"


def test_a_stopped_transport_service_stays_stopped(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.windows("ex1", services={"MSExchangeTransport": "Stopped"})
    outcome = rotate(servers, site, into=False)
    assert outcome.report["restarted"] == ["W3SVC"]
    assert "MSExchangeTransport: not running here" in outcome.stderr


def test_the_other_servers_of_the_organisation_keep_their_states(servers: Servers, site: GateSite) -> None:
    for server in ("ex1", "ex2"):
        servers.organisation.add_server(server)
    before = servers.organisation.component_states("ex2")
    rotate(servers, site, into=False)
    assert servers.organisation.component_states("ex2") == before


def test_a_state_that_exchange_accepts_but_does_not_keep_is_a_disagreement(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Set-ServerComponentState", None)
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False))
    assert outcome.exit_code == 4
    assert (
        "Exchange on EX1 took the state Inactive, but reads back another one: ServerWideOffline (Active). Run this"
        in outcome.stderr
    )
    assert outcome.report["done"] is False


def test_a_failure_after_draining_is_reported_with_what_was_done(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Set-ServerComponentState", "Active Directory operation failed on dc1.", after=1)
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False))
    assert outcome.exit_code == 1
    assert (
        "EX1 UMCallRouter: Active Directory operation failed on dc1. Set-ServerComponentState failed to set it to "
        "Draining: fix the cause, then run this again" in outcome.stderr
    )
    assert outcome.report["components"] == {
        "ServerWideOffline": unchanged("Active"),
        "HubTransport": {"before": "Active", "after": "Draining", "changed": True},
        "UMCallRouter": unchanged("Active"),
    }
    assert "W3SVC restarted" not in steps(servers), "clients stay where they are"


def unchanged(state: str) -> dict[str, object]:
    return {"before": state, "after": state, "changed": False}


NOBODY_KNOWS = {"before": None, "after": None, "changed": None}


def test_a_web_site_that_cannot_be_restarted_is_named_and_what_drains_is_reported(
    servers: Servers, site: GateSite
) -> None:
    servers.organisation.add_server("ex1", version="SE")
    servers.organisation.fail("ex1", "Restart-Service W3SVC", "Access is denied")
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False, version="SE"))
    assert outcome.exit_code == 1
    assert "EX1 W3SVC: Access is denied. Windows could not restart this service: restart it by hand" in outcome.stderr
    assert outcome.report["components"] == {
        "ServerWideOffline": unchanged("Active"),
        "HubTransport": {"before": "Active", "after": "Draining", "changed": True},
    }


@pytest.mark.parametrize("known", [True, False], ids=["read again", "unknown"])
def test_a_failure_while_a_server_enters_rotation_reports_its_present_components(
    servers: Servers, site: GateSite, known: bool
) -> None:
    servers.organisation.add_server("ex1", version="SE")
    servers.organisation.set_component("ex1", "ServerWideOffline", "Inactive", "Maintenance")
    servers.organisation.fail("ex1", "Set-ServerComponentState", "Active Directory operation failed on dc1.")
    if not known:
        servers.organisation.fail("ex1", "Get-ServerComponentState", "The server is busy", after=1)
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=True, version="SE"))
    assert outcome.exit_code == 1
    assert "EX1 ServerWideOffline: Active Directory operation failed on dc1. Set-" in outcome.stderr
    after = unchanged("Inactive") if known else {"before": "Inactive", "after": None, "changed": None}
    assert outcome.report["components"] == {"ServerWideOffline": after, "HubTransport": after}


def test_components_that_cannot_be_read_are_reported_as_unknown(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Get-ServerComponentState", "The server is busy")
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=True))
    assert outcome.exit_code == 1
    failure = (
        "EX1 Get-ServerComponentState: The server is busy. The states of the components are not known: fix it until"
    )
    assert outcome.stderr.startswith(failure)
    assert outcome.stderr.count("\n") == 1
    assert outcome.report["components"] == {"ServerWideOffline": NOBODY_KNOWS}


def test_a_missing_role_is_named_before_any_waiting(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.withhold("Set-ServerComponentState")
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False, drainSeconds=3600))
    assert outcome.exit_code == 1
    assert "no Set-ServerComponentState: the user needs the role group" in outcome.stderr
    servers.organisation.withhold("Get-ExchangeServer", "Get-ServerComponentState", "Set-ServerComponentState")
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False, drainSeconds=3600))
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith(
        "The session with EX1 offers no Get-ExchangeServer, Get-ServerComponentState, Set-"
    )


def test_a_key_logon_uses_the_credential_in_every_session_and_never_shows_it(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.add_account(r"CORP\operator", "S3cret-pass")
    credential = {"userName": r"CORP\operator", "password": "S3cret-pass"}
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False, credential=credential), logon="key")
    assert outcome.exit_code == 0, outcome.stderr
    assert "S3cret-pass" not in outcome.stdout + outcome.stderr + repr(servers.organisation.calls())


def test_without_exchange_or_during_its_setup_nothing_is_changed(servers: Servers, site: GateSite) -> None:
    into = rotation(site.port, in_rotation=True, rejectClosedPorts=True)
    assert servers.run(ROTATE, into).exit_code == 3
    servers.organisation.add_server("ex1")
    servers.windows("ex1", processes=["ExSetup"])
    assert servers.run(ROTATE, into).exit_code == 5
    assert (servers.cmdlets(), site.asked) == ([], [])
    assert "registry" not in servers.windows_state("ex1")


BAD: Mapping[str, object] = {
    "server": "ex9",
    "exchangeVersion": ["2016"],
    "inRotation": [True],
    "rejectClosedPorts": None,
    "drainSeconds": [1],
    "health": {
        "seconds": -1,
        "address": ["127.40.0.11"],
        "port": [443],
        "names": {
            "owa": ["https://mail.example.com"],
            "pop3": ["mail.example.com"],
            "ecp": [],
            "ews": [None],
            "oab": ["mail.example.com\n"],
            "mapi": [["mail.example.com"]],
        },
        "path": "/",
    },
    "credential": {"userName": "x"},
    "recycleAppPools": True,
}


def test_all_problems_of_a_document_are_reported_at_once(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(ROTATE, {**rotation(443, in_rotation=True), **BAD})
    assert outcome.exit_code == 2
    expected = [
        "server: the document is for ex9, this server is EX1",
        'exchangeVersion: ["2016"] is not among',
        "credential.password: missing",
        "recycleAppPools: unknown key",
        "inRotation: neither true nor false",
        "rejectClosedPorts: neither true nor false",
        "drainSeconds: not a whole number",
        "health.path: unknown key",
        "health.seconds: not a whole number from 0",
        "health.port: not a whole number from 1 to 65535",
        "health.address: not an IP address",
        'health.names.owa: "https://mail.example.com" is not a host name',
        "health.names.pop3: unknown service",
        "health.names.ecp: missing",
        "health.names.ews: missing",
        r'health.names.oab: "mail.example.com\n" is not a host name',
        'health.names.mapi: ["mail.example.com"] is not a host name',
    ]
    assert [problem for problem in expected if problem not in outcome.stderr] == []
    assert f"has {len(expected)} problem(s)" in outcome.stderr
    assert servers.cmdlets() == []


def test_only_a_plain_ip_address_is_accepted(servers: Servers) -> None:
    given = [
        "127.0.0.1",
        "::1",
        "fe80::11",
        "127.0.0.1\n",
        " 127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "ex1",
        "",
    ]
    outcome = servers.run(
        Path(__file__).with_name("addresses.ps1"), [*given, ["127.0.0.1"], 1, None], "-Scripts", str(SCRIPTS)
    )
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout) == [True, True, True, *[False] * 10]


def test_a_document_without_its_keys_names_each_of_them(servers: Servers) -> None:
    outcome = servers.run(ROTATE, {"server": "ex1", "exchangeVersion": "2016"})
    assert outcome.exit_code == 2
    for key in ("inRotation", "rejectClosedPorts", "drainSeconds", "health"):
        assert f"\n  {key}: " in outcome.stderr


def test_every_report_is_one_json_document_in_short_lines(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    for into in (False, True):
        outcome = rotate(servers, site, into=into)
        assert outcome.stdout.startswith("=== exchange-cas report 1 begins ===\n{\n")
        assert outcome.stdout.endswith("}\n=== exchange-cas report 1 ends ===\n")
        assert max(map(len, outcome.stdout.splitlines())) < 200


def test_a_server_that_another_requester_keeps_offline_still_gets_the_mark_of_maintenance(
    servers: Servers, site: GateSite
) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.set_component("ex1", "ServerWideOffline", "Inactive", "HealthAPI")
    rotate(servers, site, into=False)
    assert steps(servers)[-1] == "ServerWideOffline=Inactive"
    servers.organisation.set_component("ex1", "ServerWideOffline", "Active", "HealthAPI")
    assert servers.organisation.component_states("ex1")["ServerWideOffline"] == "Inactive", "it stays out"
