"""verify compares settings, and reports the ones that could not be read."""

from __future__ import annotations

import json
import sys

import pytest

from components import powershell
from components.namespace import Settings, exchange_settings
from components.namespace_args import NamespaceArgs
from operations.check.settings import ServerSettings, is_same_setting
from operations.result import State, exit_code
from rehearsal.stand_ins import windows_state
from tests.unit.deployment import SCRIPTS, Deployment
from tests.unit.servers import DOMAIN, Farm

pytestmark = pytest.mark.unit

OWA = "https://mail.example.com/owa"


@pytest.mark.parametrize(
    ("promised", "held"),
    [
        ("HTTPS://Mail.Example.COM/OWA", OWA),
        ("https://mail.example.com:443/owa", OWA),
        ("https://mail.example.com", "https://mail.example.com/"),
        ("https://mail.example.com:443", "https://mail.example.com/"),
        ("http://mail.example.com:80/owa", "http://mail.example.com/owa"),
        (["Ntlm", "OAuth", "ntlm"], ["OAuth", "Ntlm"]),
        ("Mail.example.com", "mail.example.com"),
        (True, True),
        (None, None),
    ],
)
def test_another_spelling_of_the_same_value_is_not_drift(promised: object, held: object) -> None:
    assert is_same_setting(promised, held)
    assert is_same_setting(held, promised)


@pytest.mark.parametrize(
    ("promised", "held"),
    [
        (OWA, f"{OWA}/"),
        (OWA, "http://mail.example.com/owa"),
        (OWA, "https://mail.example.com:444/owa"),
        (OWA, "https://mail.example.com:80/owa"),
        (OWA, "https://mail.example.com/"),
        (OWA, "https://mail1.example.com/owa"),
        ("https://mail.example.com/ecp?x=1", "https://mail.example.com/ecp"),
        (OWA, None),
        (["Ntlm", "OAuth"], ["Ntlm"]),
        (["Ntlm"], ["Ntlm", "Basic"]),
        (["Ntlm"], []),
        (["Ntlm"], None),
        ("mail.example.com", "mail.example.com:443"),
        (True, False),
    ],
)
def test_a_value_that_changes_something_for_clients_is_drift(promised: object, held: object) -> None:
    assert not is_same_setting(promised, held)
    assert not is_same_setting(held, promised)


UNREAD = "Not every service could be read:\n  ews: Get-WebServicesVirtualDirectory did not find exactly one object"


def one_server(farm: Farm, script: str) -> Deployment:
    """A deployment with one server that runs this Python text as the script."""
    deployment = Deployment(farm=farm, count=1, pwsh=sys.executable)
    deployment.values["allowSingleServer"] = True
    deployment.servers[0].drive.local(f"{SCRIPTS}Get-ClientAccessNamespace.ps1").write_text(script)
    return deployment


def read_with_failure(farm: Farm, settings: Settings) -> ServerSettings:
    """The result of one server whose script reports these settings, prints `UNREAD` and fails."""
    report = json.dumps({"settings": settings, "skipped": {}})
    result = one_server(farm, f"import sys\nprint({report!r})\nsys.exit({UNREAD!r})").verify()
    assert exit_code(result.findings()) == 2
    (server,) = result.settings
    assert (server.state, server.detail) == (State.UNSEEN, " ".join(UNREAD.split()))
    return server


def test_an_unreadable_service_does_not_hide_differences_of_others(farm: Farm) -> None:
    promised = exchange_settings(NamespaceArgs(domain=DOMAIN))
    held = {service: dict(values) for service, values in promised.items() if service != "ews"}
    held["owa"]["InternalUrl"] = "https://other/owa"
    server = read_with_failure(farm, held)
    states = {(row.service, row.setting): row.state for row in server.settings}
    assert [row.subject for row in server.drifted] == ["EX01 owa.InternalUrl"]
    assert {name for name, state in states.items() if state is State.UNSEEN} == {
        ("ews", "InternalUrl"),
        ("ews", "ExternalUrl"),
    }
    assert states["owa", "ExternalUrl"] is State.FINE


def test_other_output_beside_the_report_does_not_matter(farm: Farm) -> None:
    report = json.dumps({"settings": exchange_settings(NamespaceArgs(domain=DOMAIN)), "skipped": {}}, indent=2)
    marked = f"{powershell.REPORT_BEGINS}\n{report}\n{powershell.REPORT_ENDS}\nGoodbye"
    deployment = one_server(farm, f"print({marked!r})")
    windows_state.change_state(deployment.servers[0].drive.root, autoRun="Property of CORP")
    (server,) = deployment.verify().settings
    assert (server.state, server.detail) == (State.FINE, "")
    assert {row.state for row in server.settings} == {State.FINE}


@pytest.mark.parametrize("printed", ["", "Property of CORP", '{"settings": ["owa"]}', "[]", '{"skipped": {}}'])
def test_a_missing_report_says_where_to_look(farm: Farm, printed: str) -> None:
    (server,) = one_server(farm, f"print({printed!r})").verify().settings
    assert (server.state, server.settings) == (State.UNSEEN, ())
    assert "AutoRun" in server.detail


def test_if_no_service_could_be_read_no_setting_is_compared(farm: Farm) -> None:
    assert read_with_failure(farm, {}).settings == ()
