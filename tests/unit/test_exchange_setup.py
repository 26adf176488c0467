"""The stand-in of Exchange setup refuses what setup refuses, and says so in the log as setup does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.stand_ins import windows_state
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.exchange.directory import Directory
from rehearsal.stand_ins.exchange.setup import program, releases
from rehearsal.stand_ins.exchange.setup.machine import EXCHANGE_KEY
from rehearsal.stand_ins.windows_state import NET_KEY

pytestmark = pytest.mark.unit
VERSIONS = {"2013": "15.00.1497.002", "2016": "15.01.2507.006", "2019": "15.02.1748.008", "SE": "15.02.2562.017"}
OLD, NEW = "/IAcceptExchangeServerLicenseTerms", "/IAcceptExchangeServerLicenseTerms_DiagnosticDataOFF"
INSTALL = (NEW, "/Mode:Install", "/Roles:Mailbox")
PACKAGES = (
    r"HKLM:\SOFTWARE\Microsoft\VisualStudio\12.0\VC\Runtimes\x64",
    r"HKLM:\SOFTWARE\Microsoft\UCMA\{902F4F35-D5DC-4363-8671-D5EF0D26C21D}",
    r"HKLM:\SOFTWARE\Microsoft\IIS Extensions\URL Rewrite",
)
USER = "CORP\\operator"


class PreparedMachine:
    """EX1 with everything that setup of this version needs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
        self.root, self.setup = folder / "ex1", folder / "media/Setup.exe"
        for made in (self.root, self.setup.parent):
            made.mkdir()
        self.release = releases.find_release(VERSIONS[version])
        self.set_media()
        self.organisation = Organisation(folder / "organisation", replication_seconds=0)
        self.directory = Directory(folder / "organisation")
        self.directory.set_group_members(USER, "Schema Admins", "Enterprise Admins")
        self.registry: dict[str, Any] = {key: {"Version": "1"} for key in PACKAGES} | {NET_KEY: {"Release": 528040}}
        windows_state.change_state(
            self.root, features=dict.fromkeys(self.release.features(), True), registry=self.registry
        )
        variables = {"COMPUTERNAME": "EX1", "USERDOMAIN": "CORP", "USERNAME": "operator"}
        variables |= {"EXCHANGE_STANDIN_ROOT": str(self.root), "EXCHANGE_STANDIN_LOGON": "password"}
        for name, value in {**variables, "EXCHANGE_STANDIN_ORGANISATION": str(folder / "organisation")}.items():
            monkeypatch.setenv(name, value)

    def set_media(self, **faults: Any) -> None:
        media = {"version": self.release.version, "seconds": 0, "faults": faults}
        self.setup.with_name("media.json").write_text(json.dumps(media), encoding="utf-8")

    def prepare_directory(self) -> None:
        release = self.release
        self.directory.prepare(
            schema=release.schema, domain=release.domain, organisation=release.organisation, name="O"
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code and log."""
        code = program.main(self.setup, words)
        return code, (self.root / "C/ExchangeSetupLogs/ExchangeSetup.log").read_text(encoding="utf-8")


Make = Callable[[str], PreparedMachine]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    return lambda version: PreparedMachine(tmp_path, monkeypatch, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_setup_prepares_the_directory_and_installs_each_version(make: Make, version: str) -> None:
    machine = make(version)
    licence, roles = (OLD, "ClientAccess") if version == "2013" else (NEW, "Mailbox")
    assert machine.run(licence, "/PrepareSchema")[0] == 0
    assert machine.run(licence, "/PrepareAD", "/OrganizationName:My Organisation")[0] == 0
    code, log = machine.run(licence, "/Mode:Install", f"/Roles:{roles}")
    assert code == 0, log
    assert "[0] The Exchange Server setup operation completed successfully." in log
    assert machine.organisation.version("ex1").startswith(f"Version {machine.release.build[0]}.")
    registry = windows_state.read_state(machine.root)["registry"]
    assert "Watermark" not in registry[rf"{EXCHANGE_KEY}\CafeRole"]
    uri = machine.organisation.settings("ex1")["autodiscover"]["AutoDiscoverServiceInternalUri"]
    assert uri == "https://ex1.corp.example/Autodiscover/Autodiscover.xml"


@pytest.mark.parametrize(
    ("version", "words", "said"),
    [
        ("2016", (), "No command line parameter"),
        ("2016", (OLD, "/Mode:Install"), "has been removed"),
        ("2013", (NEW, "/Mode:Install"), "has been removed"),
        ("2016", ("/Mode:Install",), "must accept the license"),
        ("2016", (NEW, "/Mode:Install", "/Roles:ClientAccess"), "role 'clientaccess' isn't valid"),
        ("2016", (*INSTALL, "/DoNotEnableEP"), "'donotenableep' isn't valid"),
        ("2016", (*INSTALL, "/Quiet"), "'quiet' isn't valid"),
        ("2016", (*INSTALL, "-Force"), "'-Force' isn't valid"),
        ("2016", (*INSTALL, "/TargetDir:"), "needs a value"),
        ("2016", (*INSTALL, "/PrepareAD"), "Specify one of"),
        ("2016", (NEW, "/PrepareAD", "/OrganizationName:Größe"), "characters that aren't valid"),
        ("2016", (NEW, "/PrepareAD"), "must specify an organization name"),
        ("2016", (NEW, "/PrepareAD", "/DomainController:dc2.corp.example"), "isn't the schema master"),
        ("2016", INSTALL, "PrepareAD has either not been run or has not replicated"),
    ],
)
def test_a_command_line_that_setup_does_not_take_is_refused(
    make: Make, version: str, words: tuple[str, ...], said: str
) -> None:
    machine = make(version)
    code, log = machine.run(*words)
    assert code == 1
    assert said in log
    assert "The Exchange Server setup operation didn't complete." in log
    assert "completed successfully" not in log
    assert machine.directory.find("dc1.corp.example", "msExchOrganizationContainer") == []


def _mark(machine: PreparedMachine) -> None:
    windows_state.change_state(machine.root, pendingMarks=["Component Based Servicing"])


def _remove_feature(machine: PreparedMachine) -> None:
    features = dict.fromkeys(machine.release.features() - {"Web-WMI"}, True)
    windows_state.change_state(machine.root, features=features)


def _remove_packages(machine: PreparedMachine) -> None:
    windows_state.change_state(machine.root, registry={NET_KEY: {"Release": 461808}})


def _leave_watermark(machine: PreparedMachine) -> None:
    key = rf"{EXCHANGE_KEY}\MailboxRole"
    windows_state.change_state(machine.root, registry=machine.registry | {key: {"Watermark": "x"}})


def _remove_rights(machine: PreparedMachine) -> None:
    machine.directory.set_group_members(USER)


def _move_controller(machine: PreparedMachine) -> None:
    machine.directory.set_site("dc1.corp.example", "Elsewhere")


def _leave_server_object(machine: PreparedMachine) -> None:
    machine.directory.add_server_object("dc1.corp.example", "EX1", "Version 15.1 (Build 32507.6)")


def _add_2013(machine: PreparedMachine) -> None:
    machine.directory.add_server_object("dc1.corp.example", "OLD", "Version 15.0 (Build 31497.2)")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_mark, "Failed [Rule:PendingRebootWindowsComponents]"),
        (_remove_feature, "[REQUIRED] The Windows component Web-WMI isn't installed"),
        (_remove_packages, "Failed [Rule:IISURLRewriteNotInstalled]"),
        (_leave_watermark, "Failed [Rule:InstallWatermark]"),
        (_remove_rights, "Failed [Rule:GlobalServerInstall]"),
        (_move_controller, "Failed [Rule:DomainControllerIsOutOfSite]"),
        (_leave_server_object, "[ERROR] The Exchange server is in an inconsistent state. Only disaster recovery mode"),
        (_add_2013, "Failed [Rule:Exchange2013Present]"),
    ],
)
def test_setup_refuses_a_machine_or_directory_that_is_not_ready(
    make: Make, change: Callable[[PreparedMachine], None], said: str
) -> None:
    machine = make("SE")
    machine.prepare_directory()
    change(machine)
    code, log = machine.run(*INSTALL)
    assert code == 1
    assert said in log
    assert machine.directory.scp_dn("dc1.corp.example", "EX1") is None


def test_a_local_account_and_a_logon_without_password_are_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = make("2016")
    machine.prepare_directory()
    monkeypatch.setenv("EXCHANGE_STANDIN_LOGON", "key")
    assert "[Rule:LoggedOntoDomain]" in machine.run(*INSTALL)[1]
    monkeypatch.setenv("EXCHANGE_STANDIN_LOGON", "password")
    monkeypatch.setenv("USERDOMAIN", "EX1")
    code, log = machine.run(*INSTALL)
    assert code == 1
    assert log.count("[Rule:LoggedOntoDomain] [Message:") == 2


def test_the_schema_needs_schema_admins_and_the_site_of_the_schema_master(make: Make) -> None:
    machine = make("2016")
    machine.directory.set_group_members(USER, "Enterprise Admins")
    assert "'Schema Admins' and/or 'Enterprise Admins'" in machine.run(NEW, "/PrepareSchema")[1]
    machine.directory.set_site("dc1.corp.example", "Elsewhere")
    assert "same domain and site as the schema master" in machine.run(NEW, "/PrepareSchema")[1]


def test_what_a_preparation_writes_reaches_the_other_domain_controller_later(tmp_path: Path) -> None:
    Organisation(tmp_path, replication_seconds=3600)
    directory = Directory(tmp_path)
    directory.extend_schema("dc1.corp.example", 15334)
    assert directory.objects("dc1.corp.example")[directory.schema_version_dn]["rangeUpper"] == 15334
    assert directory.schema_version_dn not in directory.objects("dc2.corp.example")
    directory.replicate()
    assert directory.objects("dc2.corp.example")[directory.schema_version_dn]["rangeUpper"] == 15334
