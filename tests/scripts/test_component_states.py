"""Component states of the Exchange stand-in: its cmdlets and its Python view keep the same rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.stand_ins.exchange import Organisation
from tests.scripts.servers import SCRIPTS, Servers


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, pwsh: str) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("components")
    servers = Servers(folder, pwsh)
    for server in ("ex1", "ex2"):
        servers.organisation.add_server(server)
    outcome = servers.run(Path(__file__).with_name("component_states.ps1"))
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.printed


@pytest.mark.parametrize(
    ("attempt", "text"),
    [
        ("no requester", "mandatory parameters: Requester"),
        ("other requester", "The requester 'Me' is not valid"),
        ("other state", "Microsoft.Exchange.Data.ServiceState"),
        ("other component", "The component 'Owa' is not valid"),
        ("other server", "'ex9' couldn't be found"),
        ("both at once", "LocalOnly and RemoteOnly"),
        ("after the restart", "no longer available"),
    ],
)
def test_the_stand_in_refuses_what_exchange_refuses(seen: dict[str, Any], attempt: str, text: str) -> None:
    assert text in seen[attempt]


def test_the_cmdlets_and_the_python_view_agree_on_what_counts(seen: dict[str, Any], tmp_path: Path) -> None:
    organisation = Organisation(tmp_path)
    organisation.add_server("ex1")
    assert seen["untouched"] == organisation.component_states("ex1")
    organisation.set_component("ex1", "OwaProxy", "Inactive", "HealthAPI")
    organisation.set_component("ex1", "OwaProxy", "Active", "Maintenance")
    organisation.set_component("ex1", "HubTransport", "Draining", "Maintenance")
    assert seen["marked"] == organisation.component_states("ex1")
    assert (seen["marked"]["OwaProxy"], seen["marked"]["HubTransport"]) == ("Inactive", "Draining")
    assert seen["marks"] == ["HealthAPI=Inactive", "Maintenance=Active"]
    organisation.set_component("ex1", "EwsProxy", "Inactive", "Maintenance", only="local")
    organisation.set_component("ex1", "EcpProxy", "Inactive", "Maintenance", only="remote")
    assert seen["apart"] == organisation.component_states("ex1")
    assert (seen["apart"]["EwsProxy"], seen["apart"]["EcpProxy"]) == ("Inactive", "Inactive"), (
        "one of the two is enough"
    )
    assert seen["kept apart"] == ["EwsProxy local=1 remote=0", "EcpProxy local=0 remote=1"]
    organisation.set_component("ex1", "ServerWideOffline", "Inactive", "Maintenance")
    assert seen["offline"] == organisation.component_states("ex1")
    active = {name for name, state in seen["offline"].items() if state == "Active"}
    assert active == {"Monitoring", "RecoveryActionsEnabled"}


def test_a_service_answers_when_its_component_is_active_and_the_server_is_not_offline(tmp_path: Path) -> None:
    organisation = Organisation(tmp_path)
    organisation.add_server("ex1")
    assert organisation.is_active("EX1", "outlookAnywhere")
    organisation.set_component("ex1", "RpcProxy", "Inactive", "HealthAPI")
    assert not organisation.is_active("ex1", "outlookAnywhere")
    assert organisation.is_active("ex1", "autodiscover")
    organisation.set_component("ex1", "ServerWideOffline", "Inactive", "Functional")
    assert not organisation.is_active("ex1", "autodiscover")
    with pytest.raises(KeyError):
        organisation.is_active("ex1", "pop3")
    with pytest.raises(KeyError):
        organisation.is_active("ex9", "owa")


def test_marks_that_exchange_does_not_know_are_refused(tmp_path: Path) -> None:
    organisation = Organisation(tmp_path)
    organisation.add_server("ex1")
    before = organisation.marks("ex1")
    for component, state, requester, error in (
        ("Owa", "Inactive", "Maintenance", KeyError),
        ("OwaProxy", "Offline", "Maintenance", ValueError),
        ("OwaProxy", "Inactive", "Me", ValueError),
    ):
        with pytest.raises(error):
            organisation.set_component("ex1", component, state, requester)
    assert organisation.marks("ex1") == before


def test_the_worse_of_a_requesters_two_marks_counts(
    servers: Servers,
) -> None:
    outcome = servers.run(Path(__file__).with_name("requester_marks.ps1"), None, "-Scripts", str(SCRIPTS))
    assert outcome.exit_code == 0, outcome.stderr
    # From better to worse; a state that was never heard of is trusted least.
    order = ("", "Active", "Draining", "Inactive", "Unheard")
    expected = {f"{one}/{other}": max(one, other, key=order.index) or None for one in order for other in order}
    assert outcome.printed == {**expected, "no marks at all": None}
