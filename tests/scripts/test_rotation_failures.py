"""Set-ClientAccessRotation.ps1 when Exchange or Windows refuses a step: what the report and the message name."""

from __future__ import annotations

import pytest

from tests.scripts.servers import ROTATE, Servers, rotation
from tests.scripts.test_rotation import steps
from tests.scripts.web_site import GateSite

UNKNOWN = {"before": None, "after": None, "changed": None}


def unchanged(state: str) -> dict[str, object]:
    return {"before": state, "after": state, "changed": False}


def test_a_state_that_exchange_accepts_but_does_not_keep_is_a_disagreement(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Set-ServerComponentState", None)
    outcome = servers.run(ROTATE, rotation(site.port, in_rotation=False))
    assert outcome.exit_code == 4
    assert (
        "Exchange on EX1 accepted the state Inactive, but now reports another one: ServerWideOffline (Active). Run this"
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
        "EX1 Get-ServerComponentState: The server is busy. The states of the components are unknown: fix the cause"
    )
    assert outcome.stderr.startswith(failure)
    assert outcome.stderr.count("\n") == 1
    assert outcome.report["components"] == {"ServerWideOffline": UNKNOWN}


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
