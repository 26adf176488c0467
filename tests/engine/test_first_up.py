"""The main job on the real engine: the first `up`, the quiet second one, previews, teardown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from rehearsal.stand_ins import windows_state
from tests.engine.conftest import Rehearsals, Start
from tests.engine.looks import PROJECT, cmdlets, differences, promised_settings, resolve, scripts_run

pytestmark = pytest.mark.engine

LAB = "lab.mail-domain.com"
BOTH_NAMES = (f"owa.{LAB}", f"autodiscover.{LAB}")


def all_secrets(rehearsal: Rehearsal) -> list[str]:
    passphrase = rehearsal.stack.environment["PULUMI_CONFIG_PASSPHRASE"]
    return [*rehearsal.file.secrets.values(), rehearsal.password, passphrase]


def test_a_lab_goes_from_its_file_to_one_namespace_and_back_to_nothing(start: Start) -> None:
    lab = start("lab", powershell=True)
    preview = lab.stack.preview_text()
    assert lab.datacentre.connections() == 0
    assert lab.private_dns.queries == []

    up = lab.stack.up()

    assert differences(lab, "EX01", promised_settings(LAB)) == {}
    assert differences(lab, "EX02", promised_settings(LAB)) == {}
    for name in BOTH_NAMES:
        assert resolve(lab.private_dns, name) == ({"127.40.0.11", "127.40.0.12"}, 300)
    assert lab.organisation.open_sessions() == []

    connections, calls = lab.datacentre.connections(), len(lab.organisation.calls())
    assert connections == 6, "a copy and two commands for each server"
    again = lab.stack.up()
    assert again.changes == []
    assert lab.datacentre.connections() == connections
    assert len(lab.organisation.calls()) == calls

    outputs = lab.stack.outputs()
    written = outputs["servers"]["ex01"]["lastChanges"]
    assert written["owa.InternalUrl"]["after"] == f"https://owa.{LAB}/owa"
    printed = [preview, up.printed, again.printed, json.dumps(outputs)]
    refused = refused_text(lab)
    commands = [seen.commands for server in lab.datacentre.servers.values() for seen in server.ssh.connections]
    files = [file.read_text(errors="replace") for file in lab.folder.rglob("*") if file.is_file()]
    for known in ("owa.lab.mail-domain.com", "[secret]", "Set-ClientAccessNamespace.ps1"):
        assert any(known in text for text in files), "the check sees state, logs and the servers' disks"
    for secret in all_secrets(lab):
        assert not any(secret in text for text in [*printed, refused, *files, str(commands)])

    connections = lab.datacentre.connections()
    servers = list(lab.datacentre.servers.values())
    lab.stack.destroy()
    assert lab.left_over() == []
    assert sum(len(server.ssh.connections) for server in servers) == connections, "a teardown asks no server"


def refused_text(lab: Rehearsal) -> str:
    """What a failed run prints: a server that takes the password no more."""
    lab.accounts.put(lab.file.farm.operator, "another")
    urn = lab.stack.urn("cas-ex02-namespace")
    with pytest.raises(CommandFailedError) as caught:
        lab.stack.up("--target-replace", urn)
    assert "unable to authenticate" in str(caught.value)
    return str(caught.value)


def test_existing_servers_are_configured_and_no_virtual_machine_is_created(
    deployed: Start, rehearsals: Rehearsals
) -> None:
    existing = deployed("existing")
    made = rehearsals.deployed("existing").first
    assert made.changes
    assert not any("compute" in step.type or "network" in step.type for step in made.changes)
    for name in ("ex-cas16-1", "ex-cas16-2"):
        assert differences(existing, name, promised_settings("mail-domain.com")) == {}
    assert resolve(existing.private_dns, "owa.mail-domain.com") == ({"127.16.0.11", "127.16.0.12"}, 300)
    existing.stack.destroy()
    assert existing.left_over() == []
    assert differences(existing, "ex-cas16-1", promised_settings("mail-domain.com")) == {}, "destroy touches no server"


def test_without_powershell_a_rehearsal_reaches_the_same_namespace(deployed: Start) -> None:
    lab = deployed("lab")
    for name in ("EX01", "EX02"):
        assert differences(lab, name, promised_settings(LAB)) == {}
    for name in BOTH_NAMES:
        assert resolve(lab.private_dns, name)[0] == {"127.40.0.11", "127.40.0.12"}
    assert lab.organisation.calls() == [], "no script ran"
    assert lab.stack.up().changes == []


def test_production_answers_inside_and_outside_and_cannot_be_destroyed_by_accident(
    deployed: Start, rehearsals: Rehearsals
) -> None:
    prod = deployed("prod")
    expected = promised_settings("mail-domain.com")
    expected["outlookAnywhere"]["ExternalClientAuthenticationMethod"] = "Negotiate"
    for name in ("EX01", "EX02", "EX03"):
        assert differences(prod, name, expected) == {}
    assert resolve(prod.private_dns, "owa.mail-domain.com")[0] == {f"127.20.4.1{n}" for n in (1, 2, 3)}
    assert resolve(prod.public_dns, "owa.mail-domain.com")[0] == {f"127.51.100.1{n}" for n in (1, 2, 3)}
    done = [step.name for step in rehearsals.deployed("prod").first.changes if step.name.endswith("-namespace")]
    assert done == [f"cas-ex0{number}-namespace" for number in (1, 2, 3)], "one by one, the canary first"
    zones = {vm["name"]: vm["zones"] for vm in prod.azure.subscription.resources.values() if "zones" in vm}
    assert zones == {"EX01": ["1"], "EX02": ["2"], "EX03": ["3"]}

    with pytest.raises(CommandFailedError, match="protected"):
        prod.stack.destroy()
    assert resolve(prod.private_dns, "owa.mail-domain.com")[0] == {f"127.20.4.1{n}" for n in (1, 2, 3)}


def test_the_diff_of_a_changed_url_shows_the_old_and_the_new_one(deployed: Start) -> None:
    existing = deployed("existing")
    connections = existing.datacentre.connections()

    def moved(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:namespace"]["services"] = {"oab": {"externalUrl": "https://download.mail-domain.com/OAB"}}

    existing.stack.change(moved)
    diff = existing.stack.preview_text()
    assert '"https://owa.mail-domain.com/OAB" => "https://download.mail-domain.com/OAB"' in diff
    assert existing.datacentre.connections() == connections

    for server in existing.datacentre.servers.values():
        windows_state.change_state(server.drive.root, autoRun="Property of CORP")
    update = existing.stack.up()
    changes = existing.stack.outputs()["servers"]["cas1"]["lastChanges"]
    assert changes["oab.ExternalUrl"]["after"] == "https://download.mail-domain.com/OAB", "whatever a shell prints"
    assert {name for name in update.changed() if name.startswith("cas-")} == {
        "cas-cas1-namespace",
        "cas-cas2-namespace",
    }
    expected = promised_settings("mail-domain.com")
    expected["oab"]["ExternalUrl"] = "https://download.mail-domain.com/OAB"
    for name in ("ex-cas16-1", "ex-cas16-2"):
        assert differences(existing, name, expected) == {}


def test_a_file_with_five_mistakes_reports_five_and_touches_nothing(start: Start) -> None:
    lab = start("lab")

    def spoil(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:servers"]["ex01"]["address"] = "10.99.0.11"
        config[f"{PROJECT}:servers"]["ex02"]["computerName"] = "A-NAME-THAT-IS-TOO-LONG"
        config[f"{PROJECT}:namespace"]["clientName"] = "two.labels"
        config[f"{PROJECT}:dns"] = {"ttlSeconds": 0}
        config[f"{PROJECT}:colour"] = "red"

    lab.stack.change(spoil)
    with pytest.raises(CommandFailedError) as caught:
        lab.stack.up()
    text = str(caught.value)
    assert "The stack file has 5 problems; nothing was changed" in text
    for key in (
        "servers.ex01.address",
        "servers.ex02.computerName",
        "namespace.clientName",
        "dns.ttlSeconds",
        "colour",
    ):
        assert key in text
    assert "Traceback" not in text
    assert lab.azure.subscription.resources == {}


def test_without_exchange_the_run_fails_with_one_sentence_and_changes_nothing(start: Start) -> None:
    lab = start("lab")
    lab.datacentre.install_exchange = False
    with pytest.raises(CommandFailedError, match="Exchange is not installed") as caught:
        lab.stack.up()
    assert "configureNamespace: false" in str(caught.value)
    assert resolve(lab.private_dns, f"owa.{LAB}")[0] == set(), "no server without Exchange enters DNS"

    lab.stack.change(lambda config: config.update({f"{PROJECT}:configureNamespace": False}))
    lab.stack.up()
    assert resolve(lab.private_dns, f"owa.{LAB}")[0] == {"127.40.0.11", "127.40.0.12"}

    for server in ("EX01", "EX02"):
        lab.organisation.add_server(server, version="SE")
    lab.stack.change(lambda config: config.pop(f"{PROJECT}:configureNamespace"))
    lab.stack.up()
    assert differences(lab, "EX01", promised_settings(LAB)) == differences(lab, "EX02", promised_settings(LAB)) == {}


def test_a_server_with_another_host_key_gets_no_logon_and_no_command(start: Start) -> None:
    existing = start("existing")
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"
    existing.stack.change(lambda config: config[f"{PROJECT}:servers"]["cas1"].update(hostKey=other))
    with pytest.raises(CommandFailedError, match="host key"):
        existing.stack.up()
    connections = existing.datacentre.servers["ex-cas16-1"].ssh.connections
    assert connections
    assert all(seen.user is None for seen in connections)
    assert "Set-ClientAccessNamespace" not in {script for _, script in scripts_run(existing)}


def test_when_the_canary_fails_no_other_server_is_written(start: Start) -> None:
    existing = start("existing", powershell=True)
    existing.organisation.fail("ex-cas16-1", "Set-OwaVirtualDirectory", "The operation could not be performed.")
    with pytest.raises(CommandFailedError, match="could not be performed"):
        existing.stack.up()
    assert {server for server, _ in cmdlets(existing, verb="Set-")} == {"EX-CAS16-1"}


@pytest.mark.soak
def test_twenty_servers_are_deployed_and_both_names_have_all_addresses(start: Start) -> None:
    def many(config: dict[str, Any]) -> None:
        rows = range(1, 21)
        config[f"{PROJECT}:servers"] = {
            f"ex{n:02}": {"computerName": f"EX{n:02}", "address": f"10.40.0.{n + 10}"} for n in rows
        }

    lab = start("lab", many, powershell=True)
    lab.stack.up()
    addresses = {f"127.40.0.{n}" for n in range(11, 31)}
    assert [resolve(lab.private_dns, name) for name in BOTH_NAMES] == [(addresses, 300)] * 2
    assert all(differences(lab, f"EX{n:02}", promised_settings(LAB)) == {} for n in range(1, 21))
