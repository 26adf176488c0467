"""The phase setup of an installation, against the stand-ins of Exchange setup and Active Directory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.stand_ins.exchange.setup.machine import EXCHANGE_KEY
from rehearsal.tools import REPOSITORY
from tests.scripts.installation_phases import SERVICE_URI, USER, Installing, copy_scripts
from tests.scripts.servers import Servers

Make = Callable[..., Installing]
PATIENCE = 60  # seconds
LATE = "Mailbox role: Mailbox service"
EARLIER_SUCCESS = (
    "[11/01/2026 06:00:00.0000] [0] Starting Microsoft Exchange Server 2016 Setup\r\n"
    "[11/01/2026 06:50:00.0000] [0] The Exchange Server setup operation completed successfully.\r\n"
)
SESSION_MANAGER = r"HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_scripts(tmp_path_factory.mktemp("short") / "scripts")


@pytest.fixture
def make(servers: Servers, scripts: Path) -> Make:
    return lambda version="2016", **document: Installing(servers, scripts, version, **document)


def wait_until(happened: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("version", "document", "words"),
    [
        ("2013", {}, ["/IAcceptExchangeServerLicenseTerms", "/Roles:ClientAccess,Mailbox"]),
        (
            "SE",
            {"extendedProtection": False, "targetDir": "E:\\Exchange Server"},
            ["_DiagnosticDataOFF /Mode:Install", "/Roles:Mailbox", "/DoNotEnableEP", "/TargetDir:E:\\Exchange Server"],
        ),
    ],
)
def test_setup_installs_with_the_command_line_of_its_version_and_once(
    make: Make, version: str, document: dict[str, Any], words: list[str]
) -> None:
    installing = make(version, **document)
    assert installing.run("setup") == {"state": "complete", "text": "", "complete": True}
    log = installing.log.read_text(encoding="utf-8")
    assert all(word in log for word in [*words, "/Mode:Install", "/DomainController:dc1.corp.example"])
    assert "setup Finalizing Setup" in installing.progress
    settings = installing.servers.organisation.settings("ex1")
    assert settings["autodiscover"]["AutoDiscoverServiceInternalUri"] == SERVICE_URI
    assert installing.run("setup")["state"] == "complete"
    assert installing.log.read_text(encoding="utf-8") == log


def test_the_service_connection_point_names_the_namespace_while_setup_still_runs(make: Make) -> None:
    installing = make()
    installing.hold(LATE)
    with installing.running("setup") as process:
        wait_until(lambda: installing.scp() == SERVICE_URI)
        assert process.poll() is None
        assert "Watermark" in installing.role("MailboxRole")
        installing.resume()
        process.communicate(timeout=60)
    assert installing.scp() == SERVICE_URI
    written = [call for call in installing.servers.organisation.calls() if call.cmdlet == "Set-ADObject"]
    assert [call.parameters["Server"] for call in written] == ["dc1.corp.example"]


def test_a_namespace_without_autodiscover_leaves_the_service_connection_point_alone(make: Make) -> None:
    installing = make(serviceUri=None)
    assert installing.run("setup")["state"] == "complete"
    assert installing.scp() == "https://ex1.corp.example/Autodiscover/Autodiscover.xml"


def test_a_setup_that_runs_already_is_joined(make: Make) -> None:
    installing = make()
    installing.hold(LATE)
    _, environment = installing.command("setup")
    module = "rehearsal.stand_ins.exchange.setup.program"
    words = ["/IAcceptExchangeServerLicenseTerms_DiagnosticDataOFF", "/Mode:Install"]
    command = [sys.executable, "-m", module, str(installing.media / "Setup.exe"), *words]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY) as other, installing.holding():
        wait_until(lambda: installing.scp() is not None)
        with installing.running("setup") as process:
            wait_until(lambda: installing.scp() == SERVICE_URI)
            installing.resume()
            output, _ = process.communicate(timeout=60)
        assert other.wait(60) == 0
    assert json.loads(output)["state"] == "complete"
    assert installing.log.read_text(encoding="utf-8").count("Starting Microsoft Exchange Server") == 1


def test_after_a_killed_setup_the_next_run_stops_and_deletes_nothing(make: Make) -> None:
    installing = make()
    installing.log.parent.mkdir()
    earlier = EARLIER_SUCCESS.replace("The Exchange Server setup operation completed", "[ERROR] The disk is full")
    installing.log.write_text(earlier, encoding="utf-8")
    installing.set_media(killedAt=LATE)
    first = installing.run("setup")
    assert (first["state"], first["complete"]) == ("failed", False)
    assert "exit code 137" in first["text"]
    before = installing.registry
    assert before[rf"{EXCHANGE_KEY}\MailboxRole"]["Watermark"] == LATE
    installing.set_media()
    log = installing.log.read_text(encoding="utf-8")
    second = installing.run("setup")
    assert second["state"] == "failed"
    for said in (
        "EX1 setup:",
        "MailboxRole",
        "InstallWatermark",
        "without arguments",
        "/Mode:RecoverServer",
        "interrupted",
    ):
        assert said in second["text"]
    assert "disk is full" not in second["text"]
    assert installing.registry == before
    assert installing.log.read_text(encoding="utf-8") == log


def test_the_cause_of_an_earlier_failure_is_named_beside_its_watermark(make: Make) -> None:
    installing = make()
    installing.set_media(error={"at": LATE, "text": "The certificate is expired."})
    first = installing.run("setup")["text"]
    assert first.startswith("EX1 setup: The certificate is expired. Remove the expired certificate")
    assert "Its log: The certificate is expired." in installing.run("setup")["text"]


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"exitCode": 1}, "setup ended with exit code 1."),
        ({"untold": True}, "exit code 0, its log has no line of success."),
        ({"unfinished": True}, "exit code 0, the registry shows no complete installation."),
    ],
)
def test_success_needs_exit_code_log_and_registry(make: Make, faults: dict[str, Any], said: str) -> None:
    installing = make()
    installing.log.parent.mkdir()
    installing.log.write_text(EARLIER_SUCCESS, encoding="utf-8")
    installing.set_media(**faults)
    ended = installing.run("setup")
    assert ended["state"] == "failed"
    assert said in ended["text"]


def test_only_the_last_setup_in_the_log_counts(make: Make) -> None:
    installing = make()
    installing.set_media(rules={"MSDTCStopped": "The Distributed Transaction Coordinator is stopped."})
    assert "Start the service MSDTC." in installing.run("setup")["text"]
    installing.set_media(error={"at": "Prerequisite Analysis", "text": "Unable to set shared config DC."})
    log = installing.log.read_text(encoding="utf-8")
    completed = "[0] The Exchange Server setup operation completed successfully.\r\n"
    installing.log.write_text(f"{log}[11/28/2026 06:56:03.0000] {completed}", encoding="utf-8", newline="")
    ended = installing.run("setup")["text"]
    assert ended.startswith("EX1 setup: Unable to set shared config DC. A setup that failed left services disabled")
    assert "MSDTC" not in ended


def _remove_rights(installing: Installing) -> None:
    installing.directory.set_group_members(USER)


def _leave_server_object(installing: Installing) -> None:
    installing.directory.add_server_object("dc1.corp.example", "EX1", "Version 15.1 (Build 32507.6)")


def _add_2013(installing: Installing) -> None:
    installing.directory.add_server_object("dc1.corp.example", "OLD13", "Version 15.0 (Build 31497.2)")


def _ask_for_client_access(installing: Installing) -> None:
    installing.write_document(roles=["ClientAccess"])


def _move_controllers(installing: Installing) -> None:
    for name in ("dc1.corp.example", "dc2.corp.example"):
        installing.directory.set_site(name, "Elsewhere")


def _unmap_subnet(installing: Installing) -> None:
    installing.directory.set_site("ex1", None)


def _install_2016(installing: Installing) -> None:
    found = {"MsiInstallPath": "C:\\Exchange\\", "MsiProductMajor": 15, "MsiProductMinor": 1}
    installing.change_registry(rf"{EXCHANGE_KEY}\Setup", **found)


@pytest.mark.parametrize(
    ("change", "cause", "remedy"),
    [
        (_remove_rights, "neither a member of Organization Management nor of Enterprise Admins", "Add the operator"),
        (_leave_server_object, "has an Exchange server EX1, but Exchange is not installed", "/Mode:RecoverServer"),
        (_add_2013, "Exchange 2013 on OLD13", "Uninstall Exchange 2013"),
        (_ask_for_client_access, "Exchange SE has no role ClientAccess", "roles: [Mailbox]"),
        (_move_controllers, "No writable global catalog of corp.example answers in the site", "in its own site"),
        (_unmap_subnet, "belongs to no site", "Assign the subnet"),
        (_install_2016, "Exchange 15.1 is on this machine already", "exchangeVersion"),
    ],
)
def test_what_setup_would_refuse_is_refused_by_name_before_it_starts(
    make: Make, change: Callable[[Installing], None], cause: str, remedy: str
) -> None:
    installing = make("SE")
    change(installing)
    ended = installing.run("setup")
    assert ended["state"] == "failed"
    assert ended["text"].startswith("EX1 setup: ")
    assert cause in ended["text"]
    assert remedy in ended["text"]
    assert not installing.log.exists()


def test_a_new_server_is_offline_before_its_restart_and_finished_after_it(make: Make) -> None:
    installing = make()
    assert installing.run("setup")["state"] == "complete"
    scp = installing.directory.scp_dn("dc1.corp.example", "EX1")
    assert scp
    installing.directory.write("dc1.corp.example", scp, {"serviceBindingInformation": ["https://ex1.corp.example/"]})
    installing.change_registry(SESSION_MANAGER, PendingFileRenameOperations=["C:\\old.dll"])
    first = installing.run("finish")
    assert (first["state"], first["complete"]) == ("restart", False)
    assert installing.servers.organisation.marks("ex1")["ServerWideOffline"] == {"Maintenance": "Inactive"}
    assert installing.scp() == SERVICE_URI
    # A mark that stays after the restart asks for no second one.
    assert installing.run("finish") == {"state": "complete", "text": "", "complete": True}
    installing.servers.organisation.set_component("ex1", "ServerWideOffline", "Active", "Maintenance")
    assert installing.run("finish")["complete"]
    assert installing.servers.organisation.component_states("ex1")["ServerWideOffline"] == "Active"


def test_an_exchange_that_was_installed_otherwise_is_not_taken_offline(make: Make) -> None:
    installing = make()
    installing.servers.organisation.add_server("ex1", version="2016")
    assert installing.run("finish") == {"state": "complete", "text": "", "complete": True}
    assert installing.servers.organisation.calls() == []


def test_every_known_cause_has_a_pattern_that_matches_itself_alone() -> None:
    file = REPOSITORY / "components/scripts/setup-causes.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["causes"]
    assert len({row["pattern"] for row in rows}) == len(rows)
    assert all(row["source"] and row["remedy"].endswith(".") for row in rows)
