from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scripts.servers import GET, ORIGINALS, SET, Outcome, Servers, before_and_after, document, namespace


@dataclass(frozen=True, kw_only=True)
class FirstContact:
    servers: Servers
    fresh: dict[str, dict[str, object]]
    first: Outcome
    second: Outcome
    calls_of_first: int


@pytest.fixture(scope="module")
def contact(tmp_path_factory: pytest.TempPathFactory, pwsh: str) -> FirstContact:
    """A fresh server, and the same document sent twice."""
    servers = Servers(tmp_path_factory.mktemp("contact"), pwsh)
    servers.organisation.add_server("ex1")
    servers.organisation.add_server("ex2")
    fresh = servers.organisation.settings("ex1")
    first = servers.run(SET, document())
    calls = len(servers.organisation.calls())
    second = servers.run(SET, document())
    return FirstContact(servers=servers, fresh=fresh, first=first, second=second, calls_of_first=calls)


def test_the_first_run_brings_every_setting_to_the_namespace(contact: FirstContact) -> None:
    assert contact.first.exit_code == 0, contact.first.stderr
    assert contact.servers.organisation.settings("ex1") == namespace()


def test_the_other_servers_of_the_organisation_are_left_alone(contact: FirstContact) -> None:
    other = json.dumps(contact.servers.organisation.settings("ex2"))
    assert "mail.example.com" not in other
    assert "ex2.corp.example" in other


def test_the_report_has_each_settings_value_before_and_after(contact: FirstContact) -> None:
    report = contact.first.report
    entries = before_and_after(report)
    assert report["agreement"] is True
    assert report["settings"]["owa"]["InternalUrl"] == {
        "before": contact.fresh["owa"]["InternalUrl"],
        "expected": "https://mail.example.com/owa",
        "after": "https://mail.example.com/owa",
        "changed": True,
    }
    assert len(entries) == sum(len(settings) for settings in namespace().values())
    assert report["changed"] == sum(entry["changed"] for entry in entries) > 0
    assert all(entry["changed"] == (entry["before"] != entry["after"]) for entry in entries)


def test_each_object_is_written_with_one_call_and_the_service_connection_point_last(contact: FirstContact) -> None:
    writes = [c for c in contact.servers.cmdlets()[: contact.calls_of_first] if c.startswith("Set-")]
    assert len(writes) == len(set(writes)) == len(namespace())
    assert writes[-1] == "Set-ClientAccessService"


def test_reads_and_writes_go_to_the_same_domain_controller(contact: FirstContact) -> None:
    objects = [
        call
        for call in contact.servers.organisation.calls()
        if "VirtualDirectory" in call.cmdlet or "Anywhere" in call.cmdlet or "ClientAccess" in call.cmdlet
    ]
    assert len({call.parameters["DomainController"] for call in objects}) == 1
    assert all(call.parameters["Confirm"] is False for call in objects if call.cmdlet.startswith("Set-"))


def test_the_session_is_with_the_servers_own_name_over_kerberos(contact: FirstContact) -> None:
    opened = [call.parameters for call in contact.servers.organisation.calls() if call.cmdlet == "New-PSSession"]
    assert {call["ConnectionUri"] for call in opened} == {"http://ex1.corp.example/PowerShell/"}
    assert {call["Authentication"] for call in opened} == {"Kerberos"}
    assert contact.servers.organisation.open_sessions() == []


def test_the_autodiscover_and_powershell_directories_are_never_touched(contact: FirstContact) -> None:
    assert not [c for c in contact.servers.cmdlets() if "AutodiscoverVirtual" in c or "PowerShellVirtual" in c]


def test_the_front_end_pools_of_changed_services_are_recycled_once_and_no_others(contact: FirstContact) -> None:
    recycled = [
        call.parameters["Name"] for call in contact.servers.organisation.calls() if call.cmdlet == "Restart-WebAppPool"
    ]
    assert recycled == contact.first.report["recycledAppPools"]
    assert sorted(recycled) == [
        "MSExchangeAutodiscoverAppPool",
        "MSExchangeECPAppPool",
        "MSExchangeMapiFrontEndAppPool",
        "MSExchangeOABAppPool",
        "MSExchangeOWAAppPool",
        "MSExchangeRpcProxyFrontEndAppPool",
        "MSExchangeServicesAppPool",
        "MSExchangeSyncAppPool",
    ]


def test_a_second_run_writes_nothing_and_reports_agreement(contact: FirstContact) -> None:
    assert contact.second.exit_code == 0
    assert contact.servers.writes(after=contact.calls_of_first) == []
    assert contact.second.report["changed"] == 0
    assert contact.second.report["agreement"] is True
    assert contact.second.report["recycledAppPools"] == []


def test_standard_output_is_the_report_alone_between_its_marks_in_short_lines(contact: FirstContact) -> None:
    first, second, *_, before_last, last = contact.first.stdout.splitlines()
    assert (first, last) == ("=== exchange-cas report 1 begins ===", "=== exchange-cas report 1 ends ===")
    assert (second, before_last) == ("{", "}")
    assert max(map(len, contact.first.stdout.splitlines())) < 200
    assert "You've changed the InternalURL" in contact.first.stderr


def test_the_original_values_are_kept_and_never_overwritten(contact: FirstContact) -> None:
    originals = json.loads(Path(contact.servers.root("ex1"), ORIGINALS).read_text(encoding="utf-8"))
    methods = originals["settings"]["mapi"].pop("IISAuthenticationMethods")
    assert sorted(methods) == sorted(contact.fresh["mapi"].pop("IISAuthenticationMethods"))  # type: ignore[call-overload]
    assert originals["settings"] == contact.fresh
    assert originals["server"] == "EX1"


def test_null_clears_a_url_and_a_host_name_and_a_second_run_changes_nothing(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    for service, values in namespace().items():
        for setting, value in values.items():
            servers.organisation.change("ex1", service, setting, value)
    settings = namespace()
    for service in ("owa", "mapi"):
        settings[service] |= {"InternalUrl": None, "ExternalUrl": None}
    settings["autodiscover"] = {"AutoDiscoverServiceInternalUri": None}
    # Without a host name outside, the requirement reads back false, and contradicts nothing.
    settings["outlookAnywhere"] |= {"ExternalHostname": None, "ExternalClientsRequireSsl": False}
    first = servers.run(SET, document(settings=settings))
    assert first.exit_code == 0, first.stderr
    assert servers.organisation.settings("ex1") == settings
    entry = {"before": "https://mail.example.com/owa", "expected": None, "after": None, "changed": True}
    assert first.report["settings"]["owa"]["ExternalUrl"] == entry

    calls = len(servers.organisation.calls())
    second = servers.run(SET, document(settings=settings))
    assert (second.exit_code, second.report["agreement"], second.report["changed"]) == (0, True, 0), second.stderr
    assert servers.writes(after=calls) == []


def test_get_reports_what_the_server_holds_and_writes_nothing(contact: FirstContact) -> None:
    calls = len(contact.servers.organisation.calls())
    outcome = contact.servers.run(GET, {"server": "ex1", "exchangeVersion": "2016", "somethingElse": 1})
    assert outcome.exit_code == 0, outcome.stderr
    held = contact.servers.organisation.settings("ex1")
    held["mapi"]["IISAuthenticationMethods"] = sorted(held["mapi"]["IISAuthenticationMethods"])
    assert outcome.report == {"server": "EX1", "exchangeVersion": "2016", "settings": held, "skipped": {}}
    assert contact.servers.writes(after=calls) == []


def test_null_clears_a_url_and_a_host_name_and_a_second_run_writes_nothing(tmp_path: Path, pwsh: str) -> None:
    servers = Servers(tmp_path, pwsh)
    servers.organisation.add_server("ex1")
    for setting in ("ExternalHostname", "ExternalClientsRequireSsl"):
        servers.organisation.change("ex1", "outlookAnywhere", setting, namespace()["outlookAnywhere"][setting])
    cleared = namespace()
    cleared["owa"]["InternalUrl"] = cleared["ecp"]["ExternalUrl"] = None
    cleared["mapi"]["InternalUrl"] = cleared["mapi"]["ExternalUrl"] = None
    cleared["autodiscover"]["AutoDiscoverServiceInternalUri"] = None
    cleared["outlookAnywhere"] |= {"ExternalHostname": None, "ExternalClientsRequireSsl": False}
    first = servers.run(SET, document(settings=cleared))
    assert first.exit_code == 0, first.stderr
    assert servers.organisation.settings("ex1") == cleared
    entry = first.report["settings"]["outlookAnywhere"]["ExternalHostname"]
    assert entry == {"before": "mail.example.com", "expected": None, "after": None, "changed": True}
    calls = len(servers.organisation.calls())
    second = servers.run(SET, document(settings=cleared))
    assert (second.exit_code, second.report["changed"]) == (0, 0), second.stderr
    assert servers.writes(after=calls) == []
