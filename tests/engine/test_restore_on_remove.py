"""Servers of kind `existing` that leave the stack on the real engine: what they hold then, what it costs if dead."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError, Update
from restoration.ssh import DIAL_SECONDS
from tests.engine.conftest import Rehearsals, Start
from tests.engine.looks import PROJECT, differences, promised_settings, resolve, scripts_run

pytestmark = pytest.mark.engine

SERVERS = f"{PROJECT}:servers"
NAMES = ("owa.mail-domain.com", "autodiscover.mail-domain.com")
CAS = ("ex-cas16-1", "ex-cas16-2", "ex-cas16-3")


def three_servers(config: dict[str, Any]) -> None:
    """The third of them with `restoreOnRemove`."""
    servers = config[SERVERS]
    servers["cas3"] = {**servers["cas1"], "computerName": CAS[2], "address": "10.16.0.13", "restoreOnRemove": True}
    config[f"{PROJECT}:allowSingleServer"] = True


@pytest.fixture
def before(rehearsals: Rehearsals) -> dict[str, dict[str, Any]]:
    """What each server held before the stack was there."""
    fresh = rehearsals.deployed("existing", three_servers).fresh
    return {name: comparable(settings) for name, settings in fresh.items()}


def promise(rehearsal: Rehearsal, *keys: str) -> Update:
    """`restoreOnRemove` for these servers, too."""

    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            config[SERVERS][key]["restoreOnRemove"] = True

    rehearsal.stack.change(edit)
    return rehearsal.stack.up()


def held(rehearsal: Rehearsal, computer_name: str) -> dict[str, dict[str, Any]]:
    return comparable(rehearsal.organisation.settings(computer_name))


def comparable(settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A server's settings; Exchange gives a list of methods back in an order of its own."""
    methods = sorted(settings["mapi"]["IISAuthenticationMethods"])
    return {**settings, "mapi": {**settings["mapi"], "IISAuthenticationMethods": methods}}


def leave(rehearsal: Rehearsal, *keys: str) -> Update:
    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            del config[SERVERS][key]

    rehearsal.stack.change(edit)
    return rehearsal.stack.up()


@contextmanager
def silent(rehearsal: Rehearsal, computer_name: str) -> Iterator[socket.socket]:
    """A server whose system takes connections that no SSH server answers any more: they wait in this socket."""
    server = rehearsal.datacentre.servers[computer_name]
    server.stop()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.addresses[0], rehearsal.datacentre.ssh_port))
        listener.listen()
        yield listener


def dials(listener: socket.socket) -> int:
    """How many connections wait in it."""
    listener.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def after_the_names(rehearsal: Rehearsal, *servers: str) -> bool:
    """Whether both record sets were done before the last run began with any of these servers."""
    began: dict[str, int] = {}
    done: dict[str, int] = {}
    log = (rehearsal.stack.folder / "events.jsonl").read_text(encoding="utf-8")
    for moment, event in enumerate(map(json.loads, log.splitlines())):
        for kind, seen in (("resourcePreEvent", began), ("resOutputsEvent", done)):
            if kind in event:
                seen[event[kind]["metadata"]["urn"].rpartition("::")[2]] = moment
    names = max(done[f"cas-{label}-a"] for label in ("owa", "autodiscover"))
    return all(names < began[f"cas-{server}-restore"] for server in servers)


def test_a_server_that_leaves_gets_back_what_it_had_once_no_name_leads_to_it(
    deployed: Start, before: dict[str, dict[str, Any]]
) -> None:
    existing = deployed("existing", three_servers)
    assert all(held(existing, name) != before[name] for name in CAS)

    leave(existing, "cas2", "cas3")
    assert after_the_names(existing, "ex-cas16-2", "ex-cas16-3")
    assert held(existing, "ex-cas16-3") == before["ex-cas16-3"]
    assert differences(existing, "ex-cas16-2", promised_settings("mail-domain.com")) == {}, "it did not ask for it"
    assert differences(existing, "ex-cas16-1", promised_settings("mail-domain.com")) == {}
    assert [resolve(existing.private_dns, name)[0] for name in NAMES] == [{"127.16.0.11"}] * 2
    assert existing.stack.up().changes == []


def test_no_server_that_stays_is_restored_whatever_its_row_says(deployed: Start) -> None:
    existing = deployed("existing", three_servers)
    promise(existing, "cas1")
    connections = existing.datacentre.connections()

    for wanted_back in (False, True):

        def switch(config: dict[str, Any], wanted_back: bool = wanted_back) -> None:
            config[SERVERS]["cas1"]["restoreOnRemove"] = wanted_back

        existing.stack.change(switch)
        assert existing.stack.up().changed() == {"cas-ex-cas16-1-restore": "update"}
    assert existing.datacentre.connections() == connections, "a promise is written down, and no server is asked"

    def left_alone_and_renamed(config: dict[str, Any]) -> None:
        config[SERVERS]["cas1"]["configureNamespace"] = False
        config[SERVERS]["other3"] = config[SERVERS].pop("cas3")

    existing.stack.change(left_alone_and_renamed)
    existing.stack.up()
    assert {script for _, script in scripts_run(existing)} == {"Set-ClientAccessNamespace", "Set-ClientAccessRotation"}
    for name in CAS:
        assert differences(existing, name, promised_settings("mail-domain.com")) == {}


def test_servers_that_are_dead_cost_one_dial_and_the_removal_goes_on(deployed: Start) -> None:
    existing = deployed("existing", three_servers)
    promise(existing, "cas2")
    existing.datacentre.servers["ex-cas16-2"].stop()
    with silent(existing, "ex-cas16-3") as listener:
        update = leave(existing, "cas2", "cas3")
        assert dials(listener) == 1
    assert update.changed()["cas-ex-cas16-2-restore"] == update.changed()["cas-ex-cas16-3-restore"] == "delete"
    assert update.seconds > DIAL_SECONDS, "the silent one had its time"
    assert [resolve(existing.private_dns, name)[0] for name in NAMES] == [{"127.16.0.11"}] * 2
    assert "-restore" not in existing.stack.state().replace("cas-ex-cas16-1-restore", "")
    assert existing.stack.up().changes == []


def test_a_destroy_restores_who_answers_passes_over_who_is_dead_and_leaves_nothing(
    deployed: Start, before: dict[str, dict[str, Any]]
) -> None:
    existing = deployed("existing", three_servers)
    promise(existing, "cas1", "cas2")
    for secret in existing.file.secrets.values():
        assert secret not in existing.stack.state()

    # With no gate before the record sets, nothing but their own dependency holds the servers back.
    existing.stack.change(lambda config: config.update({f"{PROJECT}:configureNamespace": False}))
    existing.stack.up()
    existing.datacentre.servers["ex-cas16-2"].stop()
    existing.stack.destroy()
    assert after_the_names(existing, *CAS)
    assert existing.left_over() == []
    assert held(existing, "ex-cas16-1") == before["ex-cas16-1"]
    assert held(existing, "ex-cas16-3") == before["ex-cas16-3"]
    assert differences(existing, "ex-cas16-2", promised_settings("mail-domain.com")) == {}


def test_a_server_that_answers_and_cannot_be_restored_fails_the_run_by_its_name_and_is_tried_again(
    deployed: Start, before: dict[str, dict[str, Any]]
) -> None:
    existing = deployed("existing", three_servers)
    existing.accounts.put(existing.file.farm.operator, "another")
    with pytest.raises(CommandFailedError, match="cas-ex-cas16-3-restore") as failed:
        leave(existing, "cas3")
    assert "ex-cas16-3 was not restored: it refuses the logon over SSH" in str(failed.value)
    assert "pulumi state delete" in str(failed.value)
    for secret in existing.file.secrets.values():
        assert secret not in str(failed.value)
    assert resolve(existing.private_dns, NAMES[0])[0] == {"127.16.0.11", "127.16.0.12"}, "it left DNS all the same"

    existing.accounts.put(existing.file.farm.operator, existing.file.secrets["operatorPassword"])
    assert existing.stack.up().changed() == {"cas-ex-cas16-3-restore": "delete"}
    assert held(existing, "ex-cas16-3") == before["ex-cas16-3"]
