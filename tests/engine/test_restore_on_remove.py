"""Existing servers that leave the stack on the real engine: their settings afterwards, and the cost of a dead one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from connections.ssh import DIAL_SECONDS
from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError, Update
from tests.engine.conftest import Rehearsals, Start
from tests.engine.looks import PROJECT, differences, promised_settings, resolve, scripts_run

pytestmark = pytest.mark.engine

SERVERS = f"{PROJECT}:servers"
NAMES = ("owa.mail-domain.com", "autodiscover.mail-domain.com")
CAS = ("ex-cas16-1", "ex-cas16-2", "ex-cas16-3")


def three_servers(config: dict[str, Any]) -> None:
    """A third server, which has `restoreOnRemove`."""
    servers = config[SERVERS]
    servers["cas3"] = {**servers["cas1"], "computerName": CAS[2], "address": "10.16.0.13", "restoreOnRemove": True}
    config[f"{PROJECT}:allowSingleServer"] = True


@pytest.fixture
def before(rehearsals: Rehearsals) -> dict[str, dict[str, Any]]:
    """The settings of each server before the first `up`."""
    fresh = rehearsals.deployed("existing", three_servers).fresh
    return {name: comparable(settings) for name, settings in fresh.items()}


def set_restore_on_remove(rehearsal: Rehearsal, *keys: str) -> Update:
    """`restoreOnRemove` for these servers, too, and an `up`."""

    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            config[SERVERS][key]["restoreOnRemove"] = True

    rehearsal.stack.change(edit)
    return rehearsal.stack.up()


def read_settings(rehearsal: Rehearsal, computer_name: str) -> dict[str, dict[str, Any]]:
    return comparable(rehearsal.organisation.settings(computer_name))


def comparable(settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings with sorted methods: Exchange returns lists in its own order."""
    methods = sorted(settings["mapi"]["IISAuthenticationMethods"])
    return {**settings, "mapi": {**settings["mapi"], "IISAuthenticationMethods": methods}}


def remove_servers(rehearsal: Rehearsal, *keys: str) -> Update:
    """Removes these rows from the stack file, and runs `up`."""

    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            del config[SERVERS][key]

    rehearsal.stack.change(edit)
    return rehearsal.stack.up()


@contextmanager
def silence_ssh(rehearsal: Rehearsal, computer_name: str) -> Iterator[socket.socket]:
    """Stops the server, and accepts connections to its SSH port in this socket, without an answer."""
    server = rehearsal.datacentre.servers[computer_name]
    server.stop()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.addresses[0], rehearsal.datacentre.ssh_port))
        listener.listen()
        yield listener


def count_connections(listener: socket.socket) -> int:
    """How many connections wait to be accepted."""
    listener.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count


def are_restored_after_the_names(rehearsal: Rehearsal, *servers: str) -> bool:
    """Whether the last run finished both record sets before it began to restore any of these servers."""
    began: dict[str, int] = {}
    finished: dict[str, int] = {}
    log = (rehearsal.stack.folder / "events.jsonl").read_text(encoding="utf-8")
    for moment, event in enumerate(map(json.loads, log.splitlines())):
        for kind, moments in (("resourcePreEvent", began), ("resOutputsEvent", finished)):
            if kind in event:
                moments[event[kind]["metadata"]["urn"].rpartition("::")[2]] = moment
    names = max(finished[f"cas-{label}-a"] for label in ("owa", "autodiscover"))
    return all(names < began[f"cas-{server}-restore"] for server in servers)


def test_a_removed_server_gets_its_original_settings_after_it_has_left_both_names(
    deployed: Start, before: dict[str, dict[str, Any]]
) -> None:
    existing = deployed("existing", three_servers)
    assert all(read_settings(existing, name) != before[name] for name in CAS)

    remove_servers(existing, "cas2", "cas3")
    assert are_restored_after_the_names(existing, "ex-cas16-2", "ex-cas16-3")
    assert read_settings(existing, "ex-cas16-3") == before["ex-cas16-3"]
    assert differences(existing, "ex-cas16-2", promised_settings("mail-domain.com")) == {}, "it has no restoreOnRemove"
    assert differences(existing, "ex-cas16-1", promised_settings("mail-domain.com")) == {}
    assert [resolve(existing.private_dns, name)[0] for name in NAMES] == [{"127.16.0.11"}] * 2
    assert existing.stack.up().changes == []


def test_a_server_that_stays_is_never_restored(deployed: Start) -> None:
    existing = deployed("existing", three_servers)
    set_restore_on_remove(existing, "cas1")
    connections = existing.datacentre.connections()

    for restore in (False, True):

        def switch(config: dict[str, Any], restore: bool = restore) -> None:
            config[SERVERS]["cas1"]["restoreOnRemove"] = restore

        existing.stack.change(switch)
        assert existing.stack.up().changed() == {"cas-ex-cas16-1-restore": "update"}
    assert existing.datacentre.connections() == connections, "the key changes the state only"

    def opt_out_and_rename(config: dict[str, Any]) -> None:
        config[SERVERS]["cas1"]["configureNamespace"] = False
        config[SERVERS]["other3"] = config[SERVERS].pop("cas3")

    existing.stack.change(opt_out_and_rename)
    existing.stack.up()
    assert {script for _, script in scripts_run(existing)} == {"Set-ClientAccessNamespace", "Set-ClientAccessRotation"}
    for name in CAS:
        assert differences(existing, name, promised_settings("mail-domain.com")) == {}


def test_a_dead_server_costs_one_dial_and_is_removed(deployed: Start) -> None:
    existing = deployed("existing", three_servers)
    set_restore_on_remove(existing, "cas2")
    existing.datacentre.servers["ex-cas16-2"].stop()
    with silence_ssh(existing, "ex-cas16-3") as listener:
        update = remove_servers(existing, "cas2", "cas3")
        assert count_connections(listener) == 1
    assert update.changed()["cas-ex-cas16-2-restore"] == update.changed()["cas-ex-cas16-3-restore"] == "delete"
    assert update.seconds > DIAL_SECONDS, "the silent server used the whole time limit"
    assert [resolve(existing.private_dns, name)[0] for name in NAMES] == [{"127.16.0.11"}] * 2
    assert "-restore" not in existing.stack.state().replace("cas-ex-cas16-1-restore", "")
    assert existing.stack.up().changes == []


def test_a_destroy_restores_servers_that_answer_skips_dead_ones_and_leaves_nothing(
    deployed: Start, before: dict[str, dict[str, Any]]
) -> None:
    existing = deployed("existing", three_servers)
    set_restore_on_remove(existing, "cas1", "cas2")
    for secret in existing.file.secrets.values():
        assert secret not in existing.stack.state()

    # Without a gate before the record sets, only their own dependency delays the servers.
    existing.stack.change(lambda config: config.update({f"{PROJECT}:configureNamespace": False}))
    existing.stack.up()
    existing.datacentre.servers["ex-cas16-2"].stop()
    existing.stack.destroy()
    assert are_restored_after_the_names(existing, *CAS)
    assert existing.left_over() == []
    assert read_settings(existing, "ex-cas16-1") == before["ex-cas16-1"]
    assert read_settings(existing, "ex-cas16-3") == before["ex-cas16-3"]
    assert differences(existing, "ex-cas16-2", promised_settings("mail-domain.com")) == {}


def test_a_server_that_answers_and_cannot_be_restored_fails_the_run_with_its_name_and_is_tried_again(
    deployed: Start, before: dict[str, dict[str, Any]]
) -> None:
    existing = deployed("existing", three_servers)
    existing.accounts.put(existing.file.farm.operator, "another")
    with pytest.raises(CommandFailedError, match="cas-ex-cas16-3-restore") as failed:
        remove_servers(existing, "cas3")
    assert "ex-cas16-3 was not restored: it refuses the logon over SSH" in str(failed.value)
    assert "pulumi state delete" in str(failed.value)
    for secret in existing.file.secrets.values():
        assert secret not in str(failed.value)
    assert resolve(existing.private_dns, NAMES[0])[0] == {"127.16.0.11", "127.16.0.12"}, "it has left DNS"

    existing.accounts.put(existing.file.farm.operator, existing.file.secrets["operatorPassword"])
    assert existing.stack.up().changed() == {"cas-ex-cas16-3-restore": "delete"}
    assert read_settings(existing, "ex-cas16-3") == before["ex-cas16-3"]
