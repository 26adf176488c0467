"""What the scripts will not do, and how they say so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.scripts.servers import GET, ORIGINALS, RESTORE, SET, Outcome, Servers, altered, document, namespace


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory, pwsh: str) -> Servers:
    servers = Servers(tmp_path_factory.mktemp("lonely"), pwsh)
    servers.organisation.add_server("ex1")
    return servers


WHOLE = json.dumps(document()).encode()


def failure_of(outcome: Outcome) -> list[str]:
    """The lines on standard error, without Exchange's warnings and where the original values are kept."""
    lines = outcome.stderr.splitlines()
    return [line for line in lines if not line.startswith(("Set-", "The original values are kept"))]


def assert_untouched(servers: Servers, outcome: Outcome, exit_code: int) -> None:
    assert outcome.exit_code == exit_code, outcome.stderr
    assert servers.cmdlets() == []
    assert outcome.report["agreement"] is False
    assert outcome.report["changed"] == 0


def test_all_problems_of_a_document_are_reported_at_once_and_nothing_is_touched(lonely: Servers) -> None:
    settings = namespace() | {"pop3": {"InternalUrl": "https://mail.example.com"}, "ecp": {}}
    settings["owa"] = {"InternalUrl": "mail.example.com/owa", "InternalURI": "https://mail.example.com/owa"}
    settings["ews"] = {"InternalUrl": "https://mail.example.com/EWS/Exchange.asmx\n", "ExternalUrl": ["https://a.com"]}
    settings["oab"] = {"InternalUrl": "https://mail.example.com/O AB", "ExternalUrl": {"https": "mail.example.com"}}
    settings["mapi"]["IISAuthenticationMethods"] = ["Ntlm", ["OAuth"]]
    settings["outlookAnywhere"] |= {
        "InternalHostname": "https://mail.example.com",
        "ExternalHostname": "mail.example.com\n",
        "ExternalClientsRequireSsl": "yes",
        "InternalClientsRequireSsl": False,
        "ExternalClientAuthenticationMethod": ["Ntlm"],
    }
    bad = document(
        server="ex9",
        recycleAppPools=[True],
        settings=settings,
        credential={"userName": "x\n", "password": ["x"]},
        extra=1,
    )
    outcome = lonely.run(SET, {**bad, "exchangeVersion": ["2016"]})
    assert_untouched(lonely, outcome, 2)
    for problem in (
        "server: the document is for ex9, this server is EX1",
        'exchangeVersion: ["2016"] is not among',
        "recycleAppPools: neither true nor false",
        "credential.userName: contains a line break",
        "credential.password: missing",
        "extra: unknown key",
        "settings.pop3: unknown service",
        "settings.ecp: empty",
        'settings.owa.InternalUrl: "mail.example.com/owa" is not an absolute URL',
        "settings.owa.InternalURI: unknown setting",
        r'settings.ews.InternalUrl: "https://mail.example.com/EWS/Exchange.asmx\n" is not an absolute URL',
        'settings.ews.ExternalUrl: ["https://a.com"] is not an absolute URL',
        'settings.oab.InternalUrl: "https://mail.example.com/O AB" is not an absolute URL',
        'settings.oab.ExternalUrl: {"https":"mail.example.com"} is not an absolute URL',
        "settings.mapi.IISAuthenticationMethods:",
        "settings.outlookAnywhere.InternalHostname:",
        r'settings.outlookAnywhere.ExternalHostname: "mail.example.com\n" is not a host name',
        "settings.outlookAnywhere.ExternalClientsRequireSsl:",
        "settings.outlookAnywhere.ExternalClientAuthenticationMethod:",
        "settings.outlookAnywhere.SSLOffloading: false contradicts InternalClientsRequireSsl false",
    ):
        assert problem in outcome.stderr
    assert "has 20 problem(s)" in outcome.stderr


def test_a_host_name_without_its_pair_is_refused(lonely: Servers) -> None:
    outcome = lonely.run(SET, document(settings={"outlookAnywhere": {"InternalHostname": "mail.example.com"}}))
    assert_untouched(lonely, outcome, 2)
    assert "missing: InternalClientsRequireSsl, InternalClientAuthenticationMethod" in outcome.stderr


@pytest.mark.parametrize("text", [b"", b"null", b"[" + WHOLE + b"]", b'{"password": "S3cret-pass", '])
def test_a_text_that_is_not_a_json_object_is_refused_without_being_quoted(lonely: Servers, text: bytes) -> None:
    outcome = lonely.run(SET, stdin=text)
    assert_untouched(lonely, outcome, 2)
    assert outcome.stderr == "Nothing was changed: standard input is not one JSON object.\n"


def test_a_byte_order_mark_and_umlauts_do_no_harm(lonely: Servers) -> None:
    outcome = lonely.run(SET, stdin=b'\xef\xbb\xbf{"server": "m\xc3\xbcnchen"}')
    assert_untouched(lonely, outcome, 2)
    assert "the document is for münchen, this server is EX1" in outcome.stderr


@pytest.mark.parametrize("script", [SET, GET, RESTORE], ids=lambda script: script.stem)
def test_without_exchange_the_scripts_fail_with_one_sentence_and_change_nothing(servers: Servers, script: Path) -> None:
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


def test_a_server_with_another_version_than_the_document_is_refused(servers: Servers) -> None:
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
    assert "The session with EX1 offers no Set-MapiVirtualDirectory: the user needs the role group" in outcome.stderr
    assert servers.writes() == []


def test_a_failed_write_stops_the_others_and_the_report_tells_what_was_changed(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Set-OabVirtualDirectory", "Active Directory operation failed on dc1.")
    outcome = servers.run(SET, document())
    report = outcome.report
    assert outcome.exit_code == 1
    assert failure_of(outcome) == [
        "Some steps failed on EX1:",
        "  EX1 oab: Active Directory operation failed on dc1. Set-OabVirtualDirectory failed: fix the cause, then run "
        "this again; settings that agree already are not written again.",
        "  Not attempted after that: activesync, mapi, outlookAnywhere, autodiscover.",
    ]
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
    remedy = "Run this again; if that does not help, run Set-EcpVirtualDirectory on that server and read its answer."
    assert failure_of(outcome) == [
        "Exchange on EX1 accepted every setting, but now reports other values:",
        "  EX1 ecp.InternalUrl: Exchange reports https://ex1.corp.example/ecp instead of "
        "https://mail.example.com/ecp. " + remedy,
        "  EX1 ecp.ExternalUrl: Exchange reports nothing instead of https://mail.example.com/ecp. " + remedy,
    ]
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


def test_a_value_that_was_written_but_cannot_be_read_again_is_reported_as_unknown(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", "Get-OwaVirtualDirectory", "The server is busy", after=1)
    outcome = servers.run(SET, document(settings={name: namespace()[name] for name in ("owa", "ecp")}))
    assert outcome.exit_code == 1
    assert failure_of(outcome) == [
        "Some steps failed on EX1:",
        "  EX1 owa: The server is busy. Get-OwaVirtualDirectory failed after Set-OwaVirtualDirectory, so the present "
        "values are unknown: run this again, which reads them first.",
        "  Not attempted after that: ecp.",
    ]
    entry = outcome.report["settings"]["owa"]["ExternalUrl"]
    assert entry == {"before": None, "expected": "https://mail.example.com/owa", "after": None, "changed": None}
    assert outcome.report["agreement"] is False
    # It may have been changed.
    assert outcome.report["recycledAppPools"] == ["MSExchangeOWAAppPool", "MSExchangeAutodiscoverAppPool"]


@pytest.mark.parametrize(
    ("cmdlet", "subject", "remedy"),
    [
        ("Get-ExchangeServer", "Get-ExchangeServer", "Fix the cause until Get-ExchangeServer shows this server"),
        ("Get-OabVirtualDirectory", "oab", "Fix the cause until Get-OabVirtualDirectory shows it, then run this"),
    ],
)
def test_an_unreadable_object_is_named_with_its_remedy_before_the_first_write(
    servers: Servers, cmdlet: str, subject: str, remedy: str
) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.fail("ex1", cmdlet, "The server is busy")
    outcome = servers.run(SET, document())
    assert (outcome.exit_code, servers.writes()) == (1, [])
    assert f"EX1 {subject}: The server is busy. {remedy}" in failure_of(outcome)[-1]


def test_a_pool_that_was_not_recycled_is_recycled_by_the_next_run_that_can_and_then_forgotten(
    servers: Servers, tmp_path: Path
) -> None:
    servers.organisation.add_server("ex1")
    pools = ["MSExchangeOWAAppPool", "MSExchangeAutodiscoverAppPool"]
    both = ", ".join(pools)
    wanted = document(settings={"owa": namespace()["owa"]})

    # A run that breaks off; its scripts are in another folder than those of the next one.
    begins = "    $changedServices = @($Report['settings'].Keys"
    broken = altered(
        tmp_path / "older", SET, "ClientAccess.AppPools.ps1", {begins: f"    throw 'broken off'\n{begins}"}
    )
    outcome = servers.run(broken, wanted)
    assert outcome.exit_code == 1
    (line,) = failure_of(outcome)
    assert re.match(
        r"EX1 ClientAccess\.AppPools\.ps1, line \d+: broken off\. The script did not expect this: run it", line
    )

    servers.organisation.fail("ex1", "WebAdministration", "The module 'WebAdministration' was not loaded.")
    outcome = servers.run(SET, wanted)
    assert outcome.exit_code == 1
    assert failure_of(outcome) == [
        "Some steps failed on EX1:",
        f"  EX1 owa, autodiscover, application pools {both}: The module 'WebAdministration' was not loaded. "
        "Install IIS Management Scripts and Tools there (Install-WindowsFeature Web-Scripting-Tools), then run this "
        "again, which recycles them; or set recycleAppPools: false in the stack file.",
    ]
    servers.organisation.mend("ex1", "WebAdministration")

    busy = "The service cannot accept control messages at this time."
    servers.organisation.fail("ex1", "Restart-WebAppPool", busy)
    outcome = servers.run(SET, wanted)
    assert (outcome.exit_code, outcome.report["agreement"], outcome.report["changed"]) == (1, True, 0)
    assert failure_of(outcome) == [
        "Some steps failed on EX1:",
        *(
            f"  EX1 {service}, application pool {pool}: {busy} Clients may still get the old values: run this again, "
            f"which recycles the pool, or run Restart-WebAppPool -Name {pool} there."
            for service, pool in zip(("owa", "autodiscover"), pools, strict=True)
        ),
    ]
    servers.organisation.mend("ex1", "Restart-WebAppPool")

    # One is stopped meanwhile: it will read everything when it starts.
    servers.organisation.set_app_pool("ex1", pools[0], "Stopped")
    outcome = servers.run(SET, wanted)
    assert (outcome.exit_code, outcome.report["recycledAppPools"]) == (0, pools[1:]), outcome.stderr
    servers.organisation.set_app_pool("ex1", pools[0], "Started")
    outcome = servers.run(SET, wanted)
    assert (outcome.exit_code, outcome.report["recycledAppPools"]) == (0, [])


def test_no_pool_is_recycled_if_the_document_forbids_it(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(SET, document(settings={"owa": namespace()["owa"]}, recycleAppPools=False))
    assert outcome.exit_code == 0, outcome.stderr
    assert "Restart-WebAppPool" not in servers.cmdlets()
    assert not servers.root("ex1").joinpath(ORIGINALS).with_name("due-app-pools").exists()
    # A service that the document leaves out is neither read for comparison nor written.
    assert servers.writes() == ["Set-OwaVirtualDirectory"]
    assert list(outcome.report["settings"]) == ["owa"]
    assert servers.root("ex1").joinpath(ORIGINALS).exists()
