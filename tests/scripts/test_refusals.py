"""What the scripts will not do, and how they say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.servers import GET, ORIGINALS, RESTORE, SET, Outcome, Servers, document, namespace


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory, pwsh: str) -> Servers:
    servers = Servers(tmp_path_factory.mktemp("lonely"), pwsh)
    servers.organisation.add_server("ex1")
    return servers


def assert_untouched(servers: Servers, outcome: Outcome, exit_code: int) -> None:
    assert outcome.exit_code == exit_code, outcome.stderr
    assert servers.cmdlets() == []
    assert outcome.report["agreement"] is False
    assert outcome.report["changed"] == 0


def test_all_problems_of_a_document_are_reported_at_once_and_nothing_is_touched(lonely: Servers) -> None:
    settings = namespace() | {"pop3": {"InternalUrl": "https://mail.example.com"}, "ecp": {}}
    settings["owa"] = {"InternalUrl": "mail.example.com/owa", "InternalURI": "https://mail.example.com/owa"}
    settings["mapi"]["IISAuthenticationMethods"] = ["Ntlm", "Kerberos5"]
    settings["outlookAnywhere"] |= {
        "InternalHostname": "https://mail.example.com",
        "ExternalClientsRequireSsl": "yes",
        "InternalClientsRequireSsl": False,
        "ExternalClientAuthenticationMethod": ["Ntlm"],
    }
    bad = document(
        server="ex9", version="2010", recycleAppPools="yes", settings=settings, credential={"userName": "x"}, extra=1
    )
    outcome = lonely.run(SET, bad)
    assert_untouched(lonely, outcome, 2)
    for problem in (
        "server: the document is for ex9, this server is EX1",
        'exchangeVersion: "2010" is not among',
        "recycleAppPools: neither true nor false",
        "credential.password: missing",
        "extra: unknown key",
        "settings.pop3: unknown service",
        "settings.ecp: empty",
        'settings.owa.InternalUrl: "mail.example.com/owa" is not an absolute URL',
        "settings.owa.InternalURI: unknown setting",
        "settings.mapi.IISAuthenticationMethods:",
        "settings.outlookAnywhere.InternalHostname:",
        "settings.outlookAnywhere.ExternalClientsRequireSsl:",
        "settings.outlookAnywhere.ExternalClientAuthenticationMethod:",
        "settings.outlookAnywhere.SSLOffloading: false contradicts InternalClientsRequireSsl false",
    ):
        assert problem in outcome.stderr
    assert "has 14 problem(s)" in outcome.stderr


def test_a_host_name_without_its_pair_is_refused(lonely: Servers) -> None:
    outcome = lonely.run(SET, document(settings={"outlookAnywhere": {"InternalHostname": "mail.example.com"}}))
    assert_untouched(lonely, outcome, 2)
    assert "missing: InternalClientsRequireSsl, InternalClientAuthenticationMethod" in outcome.stderr


@pytest.mark.parametrize("text", [b"", b"null", b'["ex1"]', b'{"password": "S3cret-pass", '])
def test_what_is_no_json_object_is_refused_without_being_quoted(lonely: Servers, text: bytes) -> None:
    outcome = lonely.run(SET, stdin=text)
    assert_untouched(lonely, outcome, 2)
    assert outcome.stderr == "Nothing was changed: standard input is not one JSON object.\n"


def test_a_byte_order_mark_and_umlauts_do_no_harm(lonely: Servers) -> None:
    outcome = lonely.run(SET, stdin=b'\xef\xbb\xbf{"server": "m\xc3\xbcnchen"}')
    assert_untouched(lonely, outcome, 2)
    assert "the document is for münchen, this server is EX1" in outcome.stderr


@pytest.mark.parametrize("script", [SET, GET, RESTORE], ids=lambda script: script.stem)
def test_without_exchange_the_scripts_say_so_and_change_nothing(servers: Servers, script: Path) -> None:
    outcome = servers.run(script, document())
    assert outcome.exit_code == 3
    assert outcome.stderr.count("\n") == 1
    assert "configureNamespace: false" in outcome.stderr
    assert servers.cmdlets() == []


def test_no_session_is_opened_while_exchange_setup_runs(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.windows("ex1", processes=["ExSetupUI"])
    assert_untouched(servers, servers.run(SET, document()), 5)
    assert servers.run(GET, document()).exit_code == 5


def test_another_version_than_the_documents_is_refused(servers: Servers) -> None:
    servers.organisation.add_server("ex1", version="2016")
    outcome = servers.run(SET, document(version="2019"))
    assert outcome.exit_code == 1
    assert "runs Exchange 2016 (Version 15.1 (Build 2507.6))" in outcome.stderr
    assert servers.writes() == []


def test_a_missing_role_is_named_and_never_taken_for_a_missing_feature(servers: Servers) -> None:
    servers.organisation.add_server("ex1", version="2013")
    servers.organisation.withhold("Set-MapiVirtualDirectory")
    outcome = servers.run(SET, document(version="2013"))
    assert outcome.exit_code == 1
    assert "no Set-MapiVirtualDirectory: the user needs the role group" in outcome.stderr
    assert servers.writes() == []


def test_a_failed_write_stops_the_others_and_the_report_tells_what_was_changed(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Set-OabVirtualDirectory", "Active Directory operation failed on dc1.")
    outcome = servers.run(SET, document())
    report = outcome.report
    assert outcome.exit_code == 1
    assert "oab: Active Directory operation failed on dc1." in outcome.stderr
    assert report["agreement"] is False
    entries = {service: list(settings.values()) for service, settings in report["settings"].items()}
    changed = {service for service, values in entries.items() if any(value["changed"] for value in values)}
    assert changed == {"owa", "ecp", "ews"}
    assert servers.writes() == [
        "Set-OwaVirtualDirectory",
        "Set-EcpVirtualDirectory",
        "Set-WebServicesVirtualDirectory",
        "Set-OabVirtualDirectory",
    ]
    assert "MSExchangeOABAppPool" not in report["recycledAppPools"]
    assert "MSExchangeOWAAppPool" in report["recycledAppPools"]


def test_values_that_were_taken_but_do_not_read_back_are_a_disagreement(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Set-EcpVirtualDirectory", None)
    outcome = servers.run(SET, document())
    assert outcome.exit_code == 4
    entry = outcome.report["settings"]["ecp"]["ExternalUrl"]
    assert (entry["expected"], entry["after"], entry["changed"]) == ("https://mail.example.com/ecp", None, False)
    assert outcome.report["settings"]["autodiscover"]["AutoDiscoverServiceInternalUri"]["changed"] is True


def test_a_pool_that_is_stopped_or_missing_is_left_alone(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.set_app_pool("ex1", "MSExchangeOWAAppPool", "Stopped")
    servers.organisation.set_app_pool("ex1", "MSExchangeECPAppPool", None)
    settings = {name: namespace()[name] for name in ("owa", "ecp")}
    outcome = servers.run(SET, document(settings=settings))
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.report["recycledAppPools"] == ["MSExchangeAutodiscoverAppPool"]


def test_a_pool_that_cannot_be_recycled_fails_the_run_with_the_settings_written_and_what_to_do(
    servers: Servers,
) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Restart-WebAppPool", "The service cannot accept control messages at this time.")
    outcome = servers.run(SET, document(settings={"owa": namespace()["owa"]}))
    assert outcome.exit_code == 1
    for pool in ("MSExchangeOWAAppPool", "MSExchangeAutodiscoverAppPool"):
        said = f"application pool {pool}: The service cannot accept control messages at this time."
        assert f"{said} The settings are written; run Restart-WebAppPool -Name {pool}." in outcome.stderr
    assert outcome.report["recycledAppPools"] == []
    assert outcome.report["agreement"] is True
    assert servers.organisation.settings("ex1")["owa"] == namespace()["owa"]


def test_pools_are_left_alone_when_the_document_says_so(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(SET, document(settings={"owa": namespace()["owa"]}, recycleAppPools=False))
    assert outcome.exit_code == 0, outcome.stderr
    assert "Restart-WebAppPool" not in servers.cmdlets()
    # A service that the document leaves out is neither read for comparison nor written.
    assert servers.writes() == ["Set-OwaVirtualDirectory"]
    assert list(outcome.report["settings"]) == ["owa"]
    assert servers.root("ex1").joinpath(ORIGINALS).exists()
