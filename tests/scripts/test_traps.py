"""The documented traps: the stand-in has each, a careless script falls into it, and ours does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scripts.servers import GET, SET, Servers, document, namespace


@pytest.fixture(scope="module")
def naive(tmp_path_factory: pytest.TempPathFactory, pwsh: str) -> dict[str, Any]:
    """What the careless script saw: name of the trap -> result, or FAILED: and the text of the error."""
    servers = Servers(tmp_path_factory.mktemp("naive"), pwsh)
    for server, version in (("ex1", "2016"), ("ex2", "2016"), ("ex13", "2013"), ("ex13rtm", "2013RTM")):
        servers.organisation.add_server(server, version=version)
    servers.organisation.add_account(r"CORP\operator", "right")
    outcome = servers.run(Path(__file__).with_name("naive.ps1"))
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.printed


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        ("other configuration", "session configuration"),
        ("other authentication", "authentication mechanism requested by the client is not supported"),
        ("shared name", "0x80090322"),
        ("wrong password", "Access is denied"),
        ("cmdlets before import", "not recognized"),
        ("error with ErrorAction", "couldn't be found"),
        ("relative url", "System.Uri"),
        ("hostname with scheme", "Microsoft.Exchange.Data.Hostname"),
        ("unknown parameter", "matches parameter name 'InternalUrl'"),
        ("ews asks", "NonInteractive mode"),
        ("confirm asks", "NonInteractive mode"),
        ("parameter of 2010", "matches parameter name 'PollInterval'"),
        ("fails back to itself", "matches parameter name 'FailbackUrl'"),
        ("forms and basic at once", "matches parameter name 'FormsAuthentication'"),
        ("identity and server", "Parameter set cannot be resolved"),
        ("after the session", "no longer available"),
        ("sessions never removed", "exceeded the maximum number of connections allowed : 18"),
    ],
)
def test_the_stand_in_refuses_what_exchange_refuses(naive: dict[str, Any], attempt: str, text: str) -> None:
    assert naive[attempt].startswith("FAILED: ")
    assert text in naive[attempt]


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        ("variables in the endpoint", "no-language mode"),
        ("import of an unknown cmdlet", "'Get-Nonsense' is not recognized"),
        ("mapi without methods", "IISAuthenticationMethods"),
        ("hostname without pair", "ExternalClientsRequireSsl and ExternalClientAuthenticationMethod"),
        ("offloading contradiction", "SSLOffloading must be $true"),
        ("unknown domain controller", "is not available for use"),
        ("warning", "Please make the same change for the ECP virtual directory"),
        ("nothing modified", "no settings of 'EX1\\OAB (Default Web Site)' have been modified"),
        ("older cmdlet warns", "Use the Set-ClientAccessService cmdlet instead"),
        ("missing pool", "does not exist"),
    ],
)
def test_the_stand_in_reports_what_exchange_reports_without_ending_the_script(
    naive: dict[str, Any], attempt: str, text: str
) -> None:
    assert not naive[attempt].startswith("FAILED: ")
    assert text in naive[attempt]


def test_errors_of_imported_cmdlets_ignore_the_scripts_error_preference(naive: dict[str, Any]) -> None:
    assert naive["error ends nothing"] == "went on"
    assert naive["failed session does not terminate the script"] == "went on"


def test_a_missing_identity_means_every_server_and_a_pipe_rewrites_them_all(naive: dict[str, Any]) -> None:
    assert naive["missing identity"] == ["EX1", "EX13", "EX13RTM", "EX2"]
    assert naive["null identity"] == 4
    assert naive["piped into set"] == 4


def test_a_read_from_another_domain_controller_than_the_write_is_stale(naive: dict[str, Any]) -> None:
    assert naive["stale read"] == ""


def test_a_tls_requirement_without_a_host_name_reads_back_false(naive: dict[str, Any]) -> None:
    assert naive["require ssl without hostname"] is False


def test_values_come_back_as_the_types_of_a_remote_session(naive: dict[str, Any]) -> None:
    assert naive["types"] == [
        "System.Uri",
        "Deserialized.Microsoft.Exchange.Data.Hostname",
        "ex1.corp.example",
        "Version 15.1 (Build 2507.6)",
    ]
    assert naive["single command in the endpoint"] == "EX1"
    assert naive["ews with force"] == "went on"


def test_older_versions_lack_the_newer_cmdlets(naive: dict[str, Any]) -> None:
    assert naive["absent in ex13"] == ["Set-ClientAccessService"]
    assert naive["absent in ex13rtm"] == ["Set-ClientAccessService", "Set-MapiVirtualDirectory"]


def test_a_missing_virtual_directory_stops_the_script_before_any_write(servers: Servers) -> None:
    for server in ("ex1", "ex2"):
        servers.organisation.add_server(server)
    servers.remove_object("ex1", "oab")
    outcome = servers.run(SET, document())
    assert outcome.exit_code == 1
    assert servers.writes() == []
    failure = r'EX1 oab: Get-OabVirtualDirectory did not find exactly one object "EX1\OAB (Default Web Site)"'
    assert failure in outcome.stderr
    assert "it returned 1: EX2\\OAB" in outcome.stderr
    assert "leave the service out in the stack file (namespace.services.oab.enabled: false)" in outcome.stderr
    assert outcome.report["agreement"] is False


def test_a_missing_object_outside_the_document_is_noted_when_originals_are_kept_and_never_read(
    servers: Servers,
) -> None:
    """A virtual directory that was removed by hand, and cmdlets that this Exchange no longer has."""
    for server in ("ex1", "ex2"):
        servers.organisation.add_server(server)
    # One of them would be compared with what is written.
    for service in ("oab", "ecp"):
        servers.remove_object("ex1", service)
    servers.organisation.withhold("Get-OutlookAnywhere", "Set-OutlookAnywhere")
    outcome = servers.run(SET, document(settings={"owa": namespace()["owa"]}))
    assert outcome.exit_code == 0, outcome.stderr
    assert "Not kept as an original value: EX1 oab:" in outcome.stderr

    named = {
        service: values for service, values in namespace().items() if service not in ("oab", "ecp", "outlookAnywhere")
    }
    reading = servers.run(GET, document(settings=named))
    assert (reading.exit_code, reading.stderr) == (0, "")
    assert set(reading.report["settings"]) == set(named)

    servers.organisation.withhold()
    reading = servers.run(GET, document())
    assert reading.exit_code == 1
    assert set(reading.report["settings"]) == set(namespace()) - {"oab", "ecp"}


def test_names_that_do_not_resolve_yet_do_not_stop_the_script(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.resolvable()
    outcome = servers.run(SET, document(settings={"ews": namespace()["ews"]}))
    assert outcome.exit_code == 0, outcome.stderr


def test_a_mapi_url_alone_carries_the_present_authentication_methods(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.change("ex1", "mapi", "IISAuthenticationMethods", ["Basic"])
    outcome = servers.run(SET, document(settings={"mapi": {"ExternalUrl": "https://mail.example.com/mapi"}}))
    assert outcome.exit_code == 0, outcome.stderr
    assert servers.organisation.settings("ex1")["mapi"]["IISAuthenticationMethods"] == ["Basic"]
    assert list(outcome.report["settings"]["mapi"]) == ["ExternalUrl"]


def test_a_key_logon_fails_without_a_credential_and_works_with_one(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.add_account(r"CORP\operator", "S3cret-pass")
    refused = servers.run(SET, document(), logon="key")
    assert refused.exit_code == 1
    assert "A specified logon session does not exist" in refused.stderr
    assert "write a credential into the document" in refused.stderr

    credential = {"userName": r"CORP\operator", "password": "S3cret-pass"}
    accepted = servers.run(SET, document(credential=credential), logon="key")
    assert accepted.exit_code == 0, accepted.stderr
    wrong = servers.run(SET, document(credential={**credential, "password": "Wr0ng-pass"}), logon="key")
    assert wrong.exit_code == 1
    everything = accepted.stdout + accepted.stderr + wrong.stdout + wrong.stderr + repr(servers.organisation.calls())
    assert "S3cret-pass" not in everything
    assert "Wr0ng-pass" not in everything
