"""Servers of kind `existing` that leave the stack on the real engine: what they hold then, what it costs if dead."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from operations.way import SECONDS
from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError, Update
from tests.engine.conftest import Start
from tests.engine.looks import PROJECT, ask, cmdlets, differences, wanted

pytestmark = pytest.mark.engine

SERVERS = f"{PROJECT}:servers"
NAMES = ("owa.mail-domain.com", "autodiscover.mail-domain.com")
CAS = ("ex-cas16-1", "ex-cas16-2", "ex-cas16-3")


def promised(*keys: str) -> Any:
    """Three servers that exist, those with these keys with `restoreOnRemove`."""

    def edit(config: dict[str, Any]) -> None:
        servers = config[SERVERS]
        servers["cas3"] = {**servers["cas1"], "computerName": CAS[2], "address": "10.16.0.13"}
        for key in keys:
            servers[key]["restoreOnRemove"] = True
        config[f"{PROJECT}:allowSingleServer"] = True

    return edit


def held(rehearsal: Rehearsal, computer_name: str) -> dict[str, dict[str, Any]]:
    """A server's settings; Exchange gives a list of methods back in an order of its own."""
    found = rehearsal.organisation.settings(computer_name)
    found["mapi"]["IISAuthenticationMethods"] = sorted(found["mapi"]["IISAuthenticationMethods"])
    return found


def leave(rehearsal: Rehearsal, *keys: str) -> Update:
    def edit(config: dict[str, Any]) -> None:
        for key in keys:
            del config[SERVERS][key]

    rehearsal.stack.change(edit)
    return rehearsal.stack.up()


@contextmanager
def silent(rehearsal: Rehearsal, computer_name: str) -> Iterator[None]:
    """A server whose system takes connections that no SSH server answers any more."""
    server = rehearsal.datacentre.servers[computer_name]
    server.stop()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((server.addresses[0], rehearsal.datacentre.ssh_port))
        listener.listen()
        yield


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


def test_a_server_that_leaves_gets_back_what_it_had_once_no_name_leads_to_it(start: Start) -> None:
    existing = start("existing", promised("cas3"))
    before = {name: held(existing, name) for name in CAS}
    existing.stack.up()
    assert all(held(existing, name) != before[name] for name in CAS)

    leave(existing, "cas2", "cas3")
    assert after_the_names(existing, "ex-cas16-2", "ex-cas16-3")
    assert held(existing, "ex-cas16-3") == before["ex-cas16-3"]
    assert differences(existing, "ex-cas16-2", wanted("mail-domain.com")) == {}, "it did not ask for it"
    assert differences(existing, "ex-cas16-1", wanted("mail-domain.com")) == {}
    assert [ask(existing.private_dns, name)[0] for name in NAMES] == [{"127.16.0.11"}] * 2
    assert existing.stack.up().changes == []


def test_no_server_that_stays_is_restored_whatever_its_row_says(start: Start) -> None:
    existing = start("existing", promised("cas1", "cas3"))
    existing.stack.up()
    calls, connections = len(existing.organisation.calls()), existing.datacentre.connections()

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
    assert cmdlets(existing, calls, "Set-") == []
    for name in CAS:
        assert differences(existing, name, wanted("mail-domain.com")) == {}


def test_servers_that_are_dead_cost_one_dial_and_the_removal_goes_on(start: Start) -> None:
    existing = start("existing", promised("cas2", "cas3"))
    first = existing.stack.up()
    existing.datacentre.servers["ex-cas16-2"].stop()
    with silent(existing, "ex-cas16-3"):
        update = leave(existing, "cas2", "cas3")
    assert update.changed()["cas-ex-cas16-2-restore"] == update.changed()["cas-ex-cas16-3-restore"] == "delete"
    assert SECONDS < update.seconds < SECONDS + first.seconds + 5, "one dial, for both at once"
    assert [ask(existing.private_dns, name)[0] for name in NAMES] == [{"127.16.0.11"}] * 2
    assert "-restore" not in existing.stack.state().replace("cas-ex-cas16-1-restore", "")
    assert existing.stack.up().changes == []


def test_a_destroy_restores_who_answers_passes_over_who_is_dead_and_leaves_nothing(start: Start) -> None:
    existing = start("existing", promised("cas1", "cas2", "cas3"))
    before = {name: held(existing, name) for name in CAS}
    existing.stack.up()
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
    assert differences(existing, "ex-cas16-2", wanted("mail-domain.com")) == {}


def test_a_server_that_answers_and_cannot_be_restored_fails_the_run_by_its_name_and_is_tried_again(
    start: Start,
) -> None:
    existing = start("existing", promised("cas3"))
    before = held(existing, "ex-cas16-3")
    existing.stack.up()
    existing.accounts.put(existing.file.farm.operator, "another")
    with pytest.raises(CommandFailedError, match="cas-ex-cas16-3-restore") as failed:
        leave(existing, "cas3")
    assert "ex-cas16-3 was not restored: it refuses the logon over SSH" in str(failed.value)
    assert "pulumi state delete" in str(failed.value)
    for secret in existing.file.secrets.values():
        assert secret not in str(failed.value)
    assert ask(existing.private_dns, NAMES[0])[0] == {"127.16.0.11", "127.16.0.12"}, "it left DNS all the same"

    existing.accounts.put(existing.file.farm.operator, existing.file.secrets["operatorPassword"])
    assert existing.stack.up().changed() == {"cas-ex-cas16-3-restore": "delete"}
    assert held(existing, "ex-cas16-3") == before
