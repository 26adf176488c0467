"""Set-ClientAccessRotation.ps1 on the Exchange stand-in: the order of its steps, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.stand_ins.exchange import CmdletCall
from tests.scripts.servers import ROTATE, STEPS_TOLD, Outcome, Servers, rotation
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
    assert "does not accept a session yet" in outcome.stderr
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
