"""What each change of a stack does on the real engine: which resources change, and what the servers then hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh
import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from tests.engine.conftest import Start
from tests.engine.looks import (
    PROJECT,
    cmdlets,
    differences,
    promised_settings,
    resolve,
    servers_dialled,
    servers_in,
)
from tests.unit import scripted_ssh_server

pytestmark = pytest.mark.engine

LAB = "lab.mail-domain.com"
SERVERS = f"{PROJECT}:servers"


@pytest.fixture
def lab(deployed: Start) -> Rehearsal:
    """A lab that is up."""
    return deployed("lab")


def third(config: dict[str, Any]) -> None:
    config[SERVERS]["ex03"] = {"computerName": "EX03", "address": "127.40.0.13"}


def third_in_the_file(config: dict[str, Any]) -> None:
    """In a stack file whose addresses are not those of this computer yet."""
    config[SERVERS]["ex03"] = {"computerName": "EX03", "address": "10.40.0.13"}


def names_of(changed: dict[str, str], server: str) -> set[str]:
    return {name for name in changed if name.startswith(f"cas-{server}")}


def test_a_third_server_is_created_and_configured_without_a_change_of_the_first_two(lab: Rehearsal) -> None:
    lab.stack.change(third)
    changed = lab.stack.up().changed()
    assert names_of(changed, "ex01") == names_of(changed, "ex02") == set()
    assert {"cas-ex03-vm", "cas-ex03-scripts", "cas-ex03-namespace"} <= names_of(changed, "ex03")
    assert changed["cas-owa-a"] == changed["cas-autodiscover-a"] == "update"
    assert servers_dialled(lab) == {"EX03"}
    assert differences(lab, "EX03", promised_settings(LAB)) == {}
    assert resolve(lab.private_dns, f"owa.{LAB}")[0] == {"127.40.0.11", "127.40.0.12", "127.40.0.13"}


def test_a_removed_server_leaves_both_record_sets_before_its_virtual_machine_is_deleted(deployed: Start) -> None:
    lab = deployed("lab", third_in_the_file)
    lab.stack.change(lambda config: config[SERVERS].pop("ex02"))
    update = lab.stack.up()
    order = [step.name for step in update.changes]
    assert max(order.index("cas-owa-a"), order.index("cas-autodiscover-a")) < order.index("cas-ex02-vm")
    assert names_of(update.changed(), "ex01") == names_of(update.changed(), "ex03") == set()
    assert servers_dialled(lab) == set()
    assert resolve(lab.private_dns, f"autodiscover.{LAB}")[0] == {"127.40.0.11", "127.40.0.13"}
    assert "EX02" not in lab.datacentre.servers


def test_a_server_out_of_rotation_is_configured_and_in_no_record_set(quick_lab: Rehearsal) -> None:
    quick_lab.stack.change(third)
    quick_lab.stack.change(lambda config: config[SERVERS]["ex03"].update(inRotation=False))
    quick_lab.stack.up()
    assert differences(quick_lab, "EX03", promised_settings(LAB)) == {}
    assert resolve(quick_lab.private_dns, f"owa.{LAB}")[0] == {"127.40.0.11", "127.40.0.12"}
    quick_lab.stack.change(lambda config: config[SERVERS]["ex03"].update(inRotation=True))
    changed = quick_lab.stack.up().changed()
    assert {name for name in changed if name.startswith("cas-")} == {
        "cas-owa-a",
        "cas-autodiscover-a",
        "cas-ex03-rotation",
    }
    assert "127.40.0.13" in resolve(quick_lab.private_dns, f"owa.{LAB}")[0]


def images(lab: Rehearsal) -> dict[str, str]:
    """Virtual machine -> the SKU of the image that it was made from."""
    bodies = [body for id, body in lab.azure.subscription.resources.items() if "/virtualMachines/EX" in id]
    return {body["name"]: body["storageProfile"]["imageReference"]["sku"] for body in bodies if "osProfile" in body}


def test_a_rebuilt_virtual_machine_gets_its_scripts_and_its_namespace_again(lab: Rehearsal) -> None:
    old_key = lab.datacentre.servers["EX02"].host_key
    # Of the two machines, the one that is rebuilt gets another image.
    lab.stack.change(lambda config: config.update({f"{PROJECT}:image": {"sku": "2022-datacenter-g2"}}))
    update = lab.stack.up("--replace", lab.stack.urn("cas-ex02-vm"))
    assert lab.datacentre.servers["EX02"].host_key != old_key
    assert {"cas-ex02-vm", "cas-ex02-ssh", "cas-ex02-scripts", "cas-ex02-namespace"} <= names_of(
        update.changed(), "ex02"
    )
    assert names_of(update.changed(), "ex01") == set()
    assert servers_dialled(lab) == {"EX02"}
    assert images(lab) == {"EX01": "2025-datacenter-g2", "EX02": "2022-datacenter-g2"}
    assert differences(lab, "EX02", promised_settings(LAB)) == {}
    assert lab.stack.up().changes == []


def test_a_new_operator_password_runs_the_script_again_and_the_script_sets_nothing(deployed: Start) -> None:
    existing = deployed("existing", powershell=True)
    before = len(existing.organisation.calls())
    new = "another-Passw0rd-of-the-operator"
    existing.accounts.put(existing.file.farm.operator, new)
    existing.organisation.add_account(existing.file.farm.operator, new)
    existing.stack.set_secret("operatorPassword", new)
    changed = existing.stack.up().changed()
    assert {name: operation for name, operation in changed.items() if "namespace" in name} == {
        "cas-cas1-namespace": "update",
        "cas-cas2-namespace": "update",
    }
    assert servers_in(cmdlets(existing, before, "Get-")) == {"EX-CAS16-1", "EX-CAS16-2"}, "the script ran"
    assert cmdlets(existing, before, "Set-") == []


def test_a_new_admin_password_is_never_sent_to_a_virtual_machine_that_exists(lab: Rehearsal) -> None:
    calls = len(lab.azure.calls)
    lab.stack.set_secret("adminPassword", "another-Passw0rd-of-the-administrator")
    assert lab.stack.up().changes == []
    assert {call.method for call in lab.azure.calls[calls:]}.isdisjoint({"Create", "Update", "Delete"})


def test_drift_on_one_server_is_healed_there_and_no_other_server_is_written(deployed: Start) -> None:
    existing = deployed("existing", powershell=True)
    url = "https://ex-cas16-2.corp.example/EWS/Exchange.asmx"
    existing.organisation.change("EX-CAS16-2", "ews", "ExternalUrl", url)
    before = len(existing.organisation.calls())
    existing.stack.up("--target-replace", existing.stack.urn("cas-cas2-namespace"))
    assert cmdlets(existing, before, "Set-") == [("EX-CAS16-2", "Set-WebServicesVirtualDirectory")]
    assert differences(existing, "EX-CAS16-2", promised_settings("mail-domain.com")) == {}


def test_refresh_finds_nothing_to_change_after_up(lab: Rehearsal) -> None:
    assert lab.stack.refresh().changes == []


def test_a_logon_with_a_key_passes_its_credential_in_a_secret_document(lab: Rehearsal) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    private, public = key.export_private_key().decode(), key.export_public_key().decode()
    lab.accounts.put(lab.file.farm.operator, "", public)
    lab.stack.set_secret("operatorPrivateKey", private)
    update = lab.stack.up()
    assert update.changed()["cas-ex01-namespace"] == "update"
    assert lab.datacentre.servers["EX01"].ssh.connections[-1].logon == "key"
    password = lab.file.secrets["operatorPassword"]
    for text in (lab.stack.state(), update.printed, lab.stack.preview_text()):
        assert password not in text
        assert private.splitlines()[1] not in text


def test_a_jump_host_forwards_to_every_server_and_the_next_up_completes_a_run_whose_connection_broke(
    lab: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "a-Passw0rd-of-the-jump-host"  # noqa: S105
    monkeypatch.setattr(scripted_ssh_server, "PASSWORD", password)
    with scripted_ssh_server.ScriptedSshServer(tmp_path, breaks="127.40.0.12") as jump:
        row = {"host": "127.0.0.1", "port": jump.port, "user": "me", "hostKey": jump.host_key}
        lab.stack.change(lambda config: config[f"{PROJECT}:ssh"].update(jumpHost=row))
        lab.stack.set_secret("jumpHostPassword", password)
        preview = lab.stack.preview_text()
        with pytest.raises(CommandFailedError, match="proxy: after 0 failed attempts: ssh: handshake failed: EOF"):
            lab.stack.up()
        update = lab.stack.up()
    changed = update.changed()
    assert {name for name in changed if name.endswith("-namespace")} == {"cas-ex01-namespace", "cas-ex02-namespace"}
    assert "cas-ex02-rotation" in changed
    assert "cas-ex02-scripts" not in changed, "the run that failed had done this before"
    assert {line for line in jump.log if line.startswith("forward")} == {"forward 127.40.0.11", "forward 127.40.0.12"}
    for text, hidden in ((lab.stack.state(), "ciphertext"), (update.printed, "[secret]"), (preview, "[secret]")):
        assert hidden in text, "the connection is in there"
        assert password not in text
