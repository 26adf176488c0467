"""rejectClosedPorts: stealth mode switched off in the firewall, and put back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scripts.servers import ROTATE, Outcome, Servers, rotation
from tests.scripts.web_site import GateSite

LOCAL = r"HKLM:\SYSTEM\CurrentControlSet\services\SharedAccess\Parameters\FirewallPolicy"
POLICY = r"HKLM:\SOFTWARE\Policies\Microsoft\WindowsFirewall"
PROFILES = ("DomainProfile", "PublicProfile", "StandardProfile")
KEPT = "C/ProgramData/ExchangeCas/original-closed-ports.json"


def reject(servers: Servers, site: GateSite, wanted: bool) -> Outcome:
    return servers.run(ROTATE, rotation(site.port, in_rotation=True, rejectClosedPorts=wanted))


def stealth(servers: Servers) -> list[Any]:
    registry = servers.windows_state("ex1").get("registry", {})
    return [registry.get(rf"{LOCAL}\{profile}", {}).get("DisableStealthMode") for profile in PROFILES]


@pytest.fixture
def server(servers: Servers) -> Servers:
    servers.organisation.add_server("ex1")
    return servers


@pytest.mark.parametrize("before", [[None, None, None], [0, 1, None]])
def test_stealth_mode_is_switched_off_in_every_profile_and_restored(
    server: Servers, site: GateSite, before: list[int | None]
) -> None:
    values = zip(PROFILES, before, strict=True)
    server.windows(
        "ex1",
        registry={rf"{LOCAL}\{name}": {"DisableStealthMode": value} for name, value in values if value is not None},
    )
    off = reject(server, site, True)
    assert off.exit_code == 0, off.stderr
    assert stealth(server) == [1, 1, 1]
    assert off.report["closedPorts"]["rejected"] is True
    assert off.report["closedPorts"]["changed"] == [
        name for name, value in zip(PROFILES, before, strict=True) if value != 1
    ]
    assert "restart of this server" in off.report["closedPorts"]["note"]

    again = reject(server, site, True)
    assert again.exit_code == 0, again.stderr
    assert (again.report["closedPorts"]["changed"], again.report["closedPorts"]["note"]) == ([], None)

    back = reject(server, site, False)
    assert back.exit_code == 0, back.stderr
    assert stealth(server) == before
    assert back.report["closedPorts"]["rejected"] is False
    assert not (server.root("ex1") / KEPT).exists()


def test_without_a_file_of_original_values_the_firewall_stays_as_it_is(server: Servers, site: GateSite) -> None:
    registry = {rf"{LOCAL}\{profile}": {"DisableStealthMode": 1} for profile in PROFILES}
    server.windows("ex1", registry=registry)
    outcome = reject(server, site, False)
    assert outcome.exit_code == 0, outcome.stderr
    assert server.windows_state("ex1") == {"registry": registry}
    assert outcome.report["closedPorts"] == {"rejected": True, "changed": [], "note": None}


@pytest.mark.parametrize("profile", ["DomainProfile", "PrivateProfile", "PublicProfile", "StandardProfile"])
def test_a_conflicting_group_policy_is_reported_and_nothing_is_changed(
    server: Servers, site: GateSite, profile: str
) -> None:
    state = {"registry": {rf"{POLICY}\{profile}": {"DisableStealthMode": 0}}}
    server.windows("ex1", **state)
    server.organisation.set_component("ex1", "ServerWideOffline", "Inactive", "Maintenance")
    outcome = reject(server, site, True)
    assert outcome.exit_code == 1
    assert f"group policy keeps stealth mode on ({POLICY}, DisableStealthMode in {profile})" in outcome.stderr
    assert server.windows_state("ex1") == state
    assert not (server.root("ex1") / KEPT).exists()
    assert server.writes() == []


def test_a_conflicting_group_policy_is_reported_after_a_server_has_gone_out(server: Servers, site: GateSite) -> None:
    server.windows("ex1", registry={rf"{POLICY}\DomainProfile": {"DisableStealthMode": 0}})
    outcome = server.run(ROTATE, rotation(site.port, in_rotation=False, rejectClosedPorts=True))
    assert outcome.exit_code == 1
    assert "group policy keeps stealth mode on" in outcome.stderr
    assert server.organisation.component_states("ex1")["ServerWideOffline"] == "Inactive"
    assert stealth(server) == [None, None, None]


def test_a_group_policy_with_the_same_value_is_accepted(server: Servers, site: GateSite) -> None:
    server.windows("ex1", registry={rf"{POLICY}\DomainProfile": {"DisableStealthMode": 1}})
    assert reject(server, site, True).exit_code == 0
    assert stealth(server) == [1, 1, 1]


def test_a_file_that_is_damaged_or_from_another_server_is_neither_restored_nor_trusted(
    server: Servers, site: GateSite
) -> None:
    file = server.root("ex1") / KEPT
    file.parent.mkdir(parents=True)
    for wanted, content, reason in (
        (True, "", "is damaged"),
        (False, json.dumps({"server": "EX2", "disableStealthMode": {}}), "belongs to EX2, not to EX1"),
    ):
        file.write_text(content, encoding="utf-8")
        outcome = reject(server, site, wanted)
        assert outcome.exit_code == 1
        assert f"original-closed-ports.json) {reason}. Nothing was changed." in outcome.stderr
        assert stealth(server) == [None, None, None]
