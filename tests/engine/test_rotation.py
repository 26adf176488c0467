"""Rotation on the real engine: the order of events as clients see it, at the DNS server and at the servers."""

from __future__ import annotations

from collections import Counter

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from tests.engine.conftest import DRAIN_SECONDS, ROTATION, SERVERS, Start, quick, rotate
from tests.engine.looks import cmdlets, resolve, scripts_run, servers_dialled, servers_in
from tests.engine.watch import Watch

pytestmark = pytest.mark.engine

OWA = "owa.lab.mail-domain.com"
LABELS = ("owa", "autodiscover")


def test_a_server_goes_offline_only_when_the_drain_time_has_passed_since_it_left_both_names(deployed: Start) -> None:
    quick_lab = deployed("lab", quick, powershell=True)
    before = len(quick_lab.organisation.calls())
    rotate(quick_lab, ex02=False)
    with Watch(quick_lab) as watch:
        update = quick_lab.stack.up()
    offline = watch.find_moment("EX02 healthy", False)
    for label in LABELS:
        assert watch.find_moment(f"EX02 in {label}", False).can_precede(offline, DRAIN_SECONDS)
    assert watch.list_moments("EX01") == [], "the other server was never out"
    assert set(update.changed()) == {"cas-owa-a", "cas-autodiscover-a", "cas-ex02-rotation"}
    (written,) = [
        call
        for call in quick_lab.organisation.calls()[before:]
        if call.cmdlet == "Set-ServerComponentState" and call.parameters["Component"] == "ServerWideOffline"
    ]
    assert (written.parameters["State"], written.parameters["Requester"]) == ("Inactive", "Maintenance")
    assert servers_in(cmdlets(quick_lab, before)) == {"EX02"}
    # The script's standard error, which the engine shows beside the resource.
    assert f"Clients may hold the address of EX02 for {DRAIN_SECONDS} s more." in quick_lab.stack.state()
    assert quick_lab.stack.up().changes == []


def test_a_server_enters_both_names_only_when_it_is_active_and_healthy(quick_lab: Rehearsal) -> None:
    fresh = quick_lab.organisation.component_states("EX02")
    rotate(quick_lab, ex02=False)
    quick_lab.stack.up()
    rotate(quick_lab, ex02=True)
    with Watch(quick_lab) as watch:
        quick_lab.stack.up()
    for label in LABELS:
        assert watch.find_moment("EX02 healthy", True).can_precede(watch.find_moment(f"EX02 in {label}", True))
    assert watch.list_moments("EX01") == []
    assert quick_lab.organisation.component_states("EX02") == fresh


def test_a_server_that_fails_its_gate_stays_out_of_dns_and_the_run_fails_with_its_name(quick_lab: Rehearsal) -> None:
    rotate(quick_lab, ex02=False)
    quick_lab.stack.change(lambda config: config[ROTATION].update(healthSeconds=2))
    quick_lab.stack.up()
    quick_lab.organisation.set_component("EX02", "EwsProxy", "Inactive", "HealthAPI")
    before = Counter(scripts_run(quick_lab))
    rotate(quick_lab, ex02=True)
    with Watch(quick_lab) as watch, pytest.raises(CommandFailedError, match="cas-ex02-rotation") as failed:
        quick_lab.stack.up()
    assert "EX02" in str(failed.value)
    assert "ews" in str(failed.value)
    assert not [moment for moment in watch.moments if " in " in moment.fact], "no name changed"
    assert set(Counter(scripts_run(quick_lab)) - before) == {("EX02", "Set-ClientAccessRotation")}
    assert quick_lab.organisation.component_states("EX02")["ServerWideOffline"] == "Active", "the gate was tried"
    rotate(quick_lab, ex02=False)
    quick_lab.stack.up()
    assert quick_lab.organisation.component_states("EX02")["ServerWideOffline"] == "Inactive", "the server is offline"
    rotate(quick_lab, ex02=True)
    quick_lab.organisation.set_component("EX02", "EwsProxy", "Active", "HealthAPI")
    quick_lab.stack.up()
    assert resolve(quick_lab.private_dns, OWA)[0] == {"127.40.0.11", "127.40.0.12"}


def test_two_servers_move_in_opposite_directions_in_one_run(quick_lab: Rehearsal) -> None:
    rotate(quick_lab, ex02=False)
    quick_lab.stack.up()
    rotate(quick_lab, ex01=False, ex02=True)
    with Watch(quick_lab) as watch:
        quick_lab.stack.up()
    for label in LABELS:
        assert watch.find_moment("EX02 healthy", True).can_precede(watch.find_moment(f"EX02 in {label}", True))
        left_dns, offline = watch.find_moment(f"EX01 in {label}", False), watch.find_moment("EX01 healthy", False)
        assert left_dns.can_precede(offline, DRAIN_SECONDS)
        assert f"{label} has addresses" not in {moment.fact for moment in watch.moments}, "no name was ever empty"
    assert resolve(quick_lab.private_dns, OWA)[0] == {"127.40.0.12"}


def test_taking_the_last_server_out_is_refused_and_nothing_changes(quick_lab: Rehearsal) -> None:
    rotate(quick_lab, ex01=False, ex02=False)
    with Watch(quick_lab) as watch, pytest.raises(CommandFailedError, match="No server is in rotation"):
        quick_lab.stack.up()
    assert watch.moments == []
    assert servers_dialled(quick_lab) == set()


def test_a_dead_server_leaves_dns_without_a_connection_to_it(quick_lab: Rehearsal) -> None:
    quick_lab.datacentre.servers["EX02"].stop()
    quick_lab.stack.change(lambda config: config[SERVERS]["ex02"].update(inRotation=False, configureNamespace=False))
    quick_lab.stack.up()
    assert resolve(quick_lab.private_dns, OWA)[0] == {"127.40.0.11"}
