"""`adopt` on the real engine: what exists in Azure is found, shown, imported, and then only updated."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from operations.adopt.stack_copy import StackCopy
from rehearsal.rehearsal import Rehearsal
from rehearsal.stack import CommandFailedError
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from rehearsal.tools import REPOSITORY
from tests.engine.conftest import Start
from tests.engine.looks import PROJECT, differences, promised_settings, resolve

pytestmark = pytest.mark.engine

GROUPS = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups"
LABELS = ("owa", "autodiscover")


def put_live_records(rehearsal: Rehearsal, zone: str, *addresses: str) -> None:
    """Record sets made by hand: these addresses, a TTL of an hour."""
    for label in LABELS:
        body = {"ttl": 3600, "aRecords": [{"ipv4Address": address} for address in addresses], "etag": "by-hand"}
        rehearsal.azure.subscription.put_existing(f"{zone}/A/{label}", body)


def run_adopt(rehearsal: Rehearsal, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [rehearsal.tools.python, "-m", "operations", "adopt", "--stack", rehearsal.stack.name, *words],
        cwd=rehearsal.stack.project,
        env={**rehearsal.stack.environment, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def read_import_command(line: str) -> list[str]:
    (command,) = [row for row in line.splitlines() if row.startswith("pulumi import")]
    return shlex.split(command)[1:]


def resource_names(rehearsal: Rehearsal) -> set[str]:
    resources = json.loads(rehearsal.stack.state())["checkpoint"]["latest"]["resources"]
    return {resource["urn"].rpartition("::")[2] for resource in resources}


def test_live_records_of_two_servers_are_adopted_and_a_third_server_is_added(start: Start) -> None:
    """Conflicts at first: the hub is linked to another zone of the name, and one name has an IPv6 address, too."""
    hub = f"{GROUPS}/net/providers/Microsoft.Network/virtualNetworks/hub"

    def third(config: dict[str, Any]) -> None:
        config[f"{PROJECT}:dns"]["private"]["linkedNetworks"] = [hub]
        servers = config[f"{PROJECT}:servers"]
        servers["cas3"] = {**servers["cas1"], "computerName": "ex-cas16-3", "address": "10.16.0.13"}

    existing = start("existing", third)
    zone = f"{GROUPS}/dns/providers/Microsoft.Network/privateDnsZones/mail-domain.com"
    put_live_records(existing, zone, "127.16.0.11", "127.16.0.12")
    subscription = existing.azure.subscription
    other_zone = zone.replace("/dns/", "/hub-dns/")
    subscription.put_existing(hub, {"location": "westeurope"})
    subscription.put_existing(f"{other_zone}/virtualNetworkLinks/to-hub", {"virtualNetwork": {"id": hub}})
    subscription.put_existing(f"{zone}/AAAA/owa", {"ttl": 300, "aaaaRecords": [{"ipv6Address": "2001:db8::1"}]})
    with pytest.raises(CommandFailedError, match="multiple zones with overlapping namespaces"):
        existing.stack.up()
    made = resource_names(existing)
    assert not {name for name in made if name.endswith(("-rotation", "-namespace", "-a"))}, "no server is touched"

    def everything() -> tuple[object, ...]:
        return existing.azure.subscription.resources, existing.stack.state(), existing.datacentre.connections()

    before = everything()
    found = run_adopt(existing)
    assert found.returncode == 1, found.stderr
    assert everything() == before
    assert (
        "mail-domain.com: the network hub is linked to the private zone mail-domain.com in the resource" in found.stdout
    )
    assert "owa.mail-domain.com: AAAA records have this name, too" in found.stdout
    assert "delegate" not in found.stdout + found.stderr
    subscription.delete(other_zone + "/virtualNetworkLinks/to-hub")
    subscription.delete(f"{zone}/AAAA/owa")
    before = everything()
    assert "127.16.0.11, 127.16.0.12, 127.16.0.13" in found.stdout
    assert [row.split()[-4:] for row in found.stdout.splitlines() if " ttl " in row] == [["3600", "│", "300", "│"]] * 2
    assert existing.file.secrets["operatorPassword"] not in found.stdout + found.stderr

    file = existing.stack.project / "adopt.json"
    written = file.read_text()
    file.write_text(written.replace("/A/owa", "/A/mail"))
    with pytest.raises(CommandFailedError, match="/A/mail' does not exist"):
        existing.stack.run(*read_import_command(found.stdout), "--yes")
    file.write_text(written)
    existing.stack.run(*read_import_command(found.stdout), "--yes")
    assert existing.azure.subscription.resources == before[0]
    assert "is nothing to adopt" in run_adopt(existing).stdout
    changed = existing.stack.up().changed()
    assert changed["cas-owa-a"] == changed["cas-autodiscover-a"] == "update"
    for label in LABELS:
        addresses = {f"127.16.0.{number}" for number in (11, 12, 13)}
        assert resolve(existing.private_dns, f"{label}.mail-domain.com") == (addresses, 300)
    assert differences(existing, "ex-cas16-3", promised_settings("mail-domain.com")) == {}
    assert existing.stack.up().changes == []


def test_records_in_an_existing_zone_are_found_and_a_machine_that_would_be_replaced_is_left_out(
    start: Start, tmp_path: Path
) -> None:
    network = f"{GROUPS}/net/providers/Microsoft.Network"
    subnet = f"{network}/virtualNetworks/corp/subnets/exchange"
    lab = start("lab", lambda config: config.update({f"{PROJECT}:network": {"subnetId": subnet}}))
    group = f"{GROUPS}/exchange-cas-lab"
    zone = f"{group}/providers/Microsoft.Network/privateDnsZones/lab.mail-domain.com"
    machine = f"{group}/providers/Microsoft.Compute/virtualMachines/EX01"
    subscription = lab.azure.subscription
    subscription.put_existing(group, {"location": "westeurope"})
    subscription.put_existing(zone, {"location": "global"})
    subscription.put_existing(machine, {"location": "westeurope", "zones": ["3"]})
    put_live_records(lab, zone, "127.40.0.11")
    place = {"id": f"{network}/networkInterfaces/ex02123/ipConfigurations/a", "subnet": {"id": subnet}}
    subscription.put_existing(subnet, {"addressPrefix": "127.40.0.0/24"})
    interface = {"location": "westeurope", "ipConfigurations": [{**place, "privateIPAddress": "127.40.0.12"}]}
    subscription.put_existing(f"{network}/networkInterfaces/ex02123", interface)
    before = subscription.resources

    found = run_adopt(lab, "--output", str(tmp_path / "found.json"))
    assert found.returncode == 1, found.stderr
    assert subscription.resources == before
    written = json.loads((tmp_path / "found.json").read_text())
    ids = {one["id"] for one in written["resources"] if "id" in one}
    assert ids == {group, zone, *(f"{zone}/A/{label}" for label in LABELS)}
    assert "cas-ex01-vm: the next up would" in found.stdout
    assert "zones" in found.stdout
    assert "cas-ex02-nic: the network interface ex02123 has its address 127.40.0.12 already" in found.stdout
    assert "cas-ex01-nic: " not in found.stdout
    assert "04da6b54" not in found.stdout

    lab.stack.run(*read_import_command(found.stdout), "--yes")
    steps = {step["urn"].rpartition("::")[2]: step["op"] for step in lab.stack.preview()["steps"]}
    assert {steps[f"cas-{name}"] for name in ("group", "private-zone", "owa-a", "autodiscover-a")} <= {"same", "update"}


def test_a_copy_of_a_stack_holds_its_state_and_no_plain_secret(deployed: Start, tmp_path: Path) -> None:
    existing = deployed("existing")
    folder = tmp_path / "copy"
    folder.mkdir()
    copy = StackCopy("existing", folder, existing.stack.project, existing.stack.environment)
    digest, _ = copy.preview()
    assert {step["op"] for step in digest["steps"]} == {"same"}
    files = [file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file()]
    assert any("cas-owa-a" in text for text in files), "the check sees the copy's state"
    assert not any(secret in text for secret in existing.file.secrets.values() for text in files)


def test_a_stack_file_with_a_mistake_is_refused_with_the_programs_message_and_no_file_is_written(start: Start) -> None:
    existing = start("existing")
    existing.stack.change(lambda config: config.update({f"{PROJECT}:colour": "red"}))
    found = run_adopt(existing)
    assert (found.returncode, found.stdout) == (2, "")
    assert "The stack file has 1 problem; nothing was changed" in found.stderr
    assert "Traceback" not in found.stderr
    assert not (existing.stack.project / "adopt.json").exists()
