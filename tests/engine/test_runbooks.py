"""Every block of shell commands of the runbooks, in order, against a rehearsal; the test does what is done by hand."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.rehearsal import Rehearsal
from rehearsal.stack_file import move_to_loopback
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID
from rehearsal.tools import REPOSITORY
from tests.engine.conftest import Start
from tests.engine.looks import differences, promised_settings, resolve

pytestmark = pytest.mark.engine

RUNBOOKS = REPOSITORY / "docs" / "runbooks"
# What to type, and the lines to look for: everything between them is prose.
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$.*?^ *```text\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FRAME = re.compile(r"[┃│┏┓┗┛━┳┻╇┡┩└┘─┴┬]+")
LAB = "lab.mail-domain.com"


class Reader:
    """Somebody who follows a runbook, block by block."""

    def __init__(self, runbook: str, rehearsal: Rehearsal, folder: Path) -> None:
        text = (RUNBOOKS / f"{runbook}.md").read_text(encoding="utf-8")
        blocks = BLOCK.findall(text)
        assert len(blocks) == text.count("```sh") == text.count("```text"), "each block tells what to look for"
        self._blocks = iter(blocks)
        self._rehearsal = rehearsal
        tools = folder / "tools"
        tools.mkdir()
        (tools / "python").symlink_to(rehearsal.tools.python)
        authority = folder / "authority.pem"
        authority.write_text(rehearsal.certificates.authority_pem, encoding="utf-8")
        dns = f"{rehearsal.private_dns.address}:{rehearsal.private_dns.port}"
        self._environment = {
            **rehearsal.stack.environment,
            "PATH": f"{tools}{os.pathsep}{rehearsal.stack.environment['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "PULUMI_STACK": rehearsal.stack.name,
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            "OPERATIONS_CA": str(authority),
            "OPERATIONS_RESOLVER": dns,
        }

    def step(self) -> str:
        """The next block's commands; what they printed.

        Fails at the first command that ends with another code than 0, and where a line to look for is missing.
        """
        commands, expected = (self._here(text) for text in next(self._blocks))
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=self._rehearsal.stack.project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        printed = [join_words(line) for line in done.stdout.splitlines()]
        missing = [line for line in map(join_words, expected.splitlines()) if not any(line in one for one in printed)]
        assert missing == [], done.stdout
        return done.stdout

    def _here(self, text: str) -> str:
        """With the addresses and the domain that the rehearsal has."""
        domain = self._rehearsal.file.farm.namespace.domain
        moved = re.sub(r"(\d+\.){3}\d+", lambda found: str(move_to_loopback(found[0])), text)
        return moved.replace("mail-domain.com", domain)

    def finished(self) -> bool:
        return next(self._blocks, None) is None

    def addresses(self, label: str = "owa") -> set[str]:
        return resolve(self._rehearsal.private_dns, f"{label}.{LAB}")[0]


def join_words(line: str) -> str:
    """Without the frames of tables, and with single spaces."""
    return " ".join(FRAME.sub(" ", line).split())


BOTH = {"127.40.0.11", "127.40.0.12"}


def test_add_a_server(quick_lab: Rehearsal, tmp_path: Path) -> None:
    reader = Reader("add-a-server", quick_lab, tmp_path)
    quick_lab.datacentre.install_exchange = False
    reader.step()
    assert reader.addresses() == BOTH
    quick_lab.datacentre.install("EX03")
    reader.step()
    assert differences(quick_lab, "EX03", promised_settings(LAB)) == {}
    assert reader.addresses() == BOTH
    reader.step()
    assert reader.addresses() == {*BOTH, "127.40.0.13"}
    assert reader.finished()


def test_take_a_server_out(quick_lab: Rehearsal, tmp_path: Path) -> None:
    reader = Reader("take-a-server-out", quick_lab, tmp_path)
    reader.step()
    assert reader.addresses() == BOTH - {"127.40.0.12"}
    assert quick_lab.organisation.component_states("EX02")["ServerWideOffline"] == "Inactive"
    quick_lab.datacentre.servers["EX02"].stop()
    quick_lab.datacentre.servers["EX02"].start()
    reader.step()
    assert reader.addresses() == BOTH
    assert reader.finished()


def test_a_server_died(quick_lab: Rehearsal, tmp_path: Path) -> None:
    reader = Reader("a-server-died", quick_lab, tmp_path)
    azure = quick_lab.azure.subscription
    [run_command] = [id for id in azure.resources if id.endswith("/EX02/runCommands/EnableOpenSsh")]
    key = quick_lab.stack.outputs()["servers"]["ex02"]["hostKey"]
    quick_lab.datacentre.servers["EX02"].stop()
    azure.hide(run_command, {"instanceView": None})  # of a virtual machine that does not run, Azure tells none
    reader.step()
    assert reader.addresses() == BOTH - {"127.40.0.12"}
    quick_lab.datacentre.servers["EX02"].start()
    azure.hide(run_command, {"instanceView": {"output": f'{{"hostKey": "{key}"}}'}})
    quick_lab.organisation.change("EX02", "owa", "InternalUrl", "https://ex02.corp.example/owa")
    reader.step()
    assert differences(quick_lab, "EX02", promised_settings(LAB)) == {}
    reader.step()
    assert reader.addresses() == BOTH
    assert reader.finished()


def test_rename_the_namespace(quick_lab: Rehearsal, tmp_path: Path) -> None:
    reader = Reader("rename-the-namespace", quick_lab, tmp_path)
    quick_lab.certificates.renew(f"{label}.{LAB}" for label in ("owa", "mail", "autodiscover"))
    shown = reader.step()
    assert f"https://mail.{LAB}/owa" in shown
    assert reader.addresses("mail") == set()
    reader.step()
    assert reader.addresses("mail") == BOTH
    assert reader.addresses("owa") == set()
    assert reader.finished()


def test_replace_a_certificate(quick_lab: Rehearsal, tmp_path: Path) -> None:
    reader = Reader("replace-a-certificate", quick_lab, tmp_path)
    reader.step()
    quick_lab.certificates.renew(quick_lab.certificates.names)
    reader.step()
    assert reader.addresses() == BOTH
    assert reader.finished()


def test_adopt_what_exists(start: Start, tmp_path: Path) -> None:
    def third(config: dict[str, Any]) -> None:
        servers = config["exchange-cas:servers"]
        servers["cas3"] = {**servers["cas1"], "computerName": "ex-cas16-3", "address": "10.16.0.13"}

    existing = start("existing", third)
    reader = Reader("adopt-what-exists", existing, tmp_path)
    live = ("127.16.0.11", "127.16.0.12")
    zone = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/dns/providers/Microsoft.Network/privateDnsZones"
    for label in ("owa", "autodiscover"):
        body = {"ttl": 3600, "aRecords": [{"ipv4Address": address} for address in live]}
        existing.azure.subscription.put_existing(f"{zone}/mail-domain.com/A/{label}", body)
    assert "127.16.0.11, 127.16.0.12, 127.16.0.13" in reader.step()
    reader.step()
    assert resolve(existing.private_dns, "owa.mail-domain.com") == ({*live}, 3600)
    reader.step()
    assert resolve(existing.private_dns, "owa.mail-domain.com") == ({*live, "127.16.0.13"}, 300)
    assert "nothing to adopt" in reader.step()
    assert reader.finished()


def test_every_runbook_is_tried_here() -> None:
    tried = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    written = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    assert written
    assert written <= tried
