"""verify against server and DNS stand-ins over real sockets: the whole result, the settings, the JSON."""

from __future__ import annotations

import json

import pytest

from operations.check.report import format_json
from operations.result import State, exit_code
from tests.unit.deployment import Deployment, Record, describe_findings
from tests.unit.servers import AUTODISCOVER, OWA, PASSWORD, Farm

pytestmark = pytest.mark.unit


@pytest.fixture
def deployment(farm: Farm) -> Deployment:
    return Deployment(farm=farm)


def test_an_unchanged_stack_is_fine_on_every_server_name_and_service(deployment: Deployment) -> None:
    result = deployment.verify()
    assert exit_code(result.findings()) == 0, [row for row in result.findings() if row.detail]
    seen = {
        (page.server, page.name, page.service, page.status, page.answered_by)
        for s in result.sites
        for page in s.services
    }
    services = ("owa", "ecp", "ews", "oab", "activesync", "mapi", "outlookAnywhere")
    expected = [(OWA, service) for service in services] + [(AUTODISCOVER, "autodiscover")]
    assert seen == {
        (server, name, service, 200, f"{server}.corp.example")
        for server in ("EX01", "EX02")
        for name, service in expected
    }
    assert {(s.certificate.names, s.certificate.state) for s in result.sites} == {((AUTODISCOVER, OWA), State.FINE)}
    assert len(result.dns) == 2
    assert [len(server.settings) for server in result.settings] == [21, 21]


def test_differing_settings_of_a_server_out_of_rotation_count(deployment: Deployment) -> None:
    deployment.outputs["ex02"]["inRotation"] = False
    deployment.rows[:] = [Record(name=name, values=("127.40.1.1",)) for name in ("owa", "autodiscover")]
    deployment.farm.organisation.change("ex02", "ecp", "InternalUrl", "https://ex02/ecp")
    assert describe_findings(deployment.verify()) == [
        f"EX02 ecp.InternalUrl: expected https://{OWA}/ecp, found https://ex02/ecp"
    ]


def test_drift_of_a_setting_is_named_with_both_values(deployment: Deployment) -> None:
    deployment.farm.organisation.change("ex01", "mapi", "IISAuthenticationMethods", ["Basic"])
    result = deployment.verify()
    assert describe_findings(result) == [
        "EX01 mapi.IISAuthenticationMethods: expected Ntlm, OAuth, Negotiate, found Basic"
    ]
    (row,) = result.settings[0].drifted
    assert (row.service, row.setting, row.actual) == ("mapi", "IISAuthenticationMethods", ["Basic"])


def test_a_server_that_the_stack_does_not_configure_is_not_read(deployment: Deployment) -> None:
    del deployment.outputs["ex01"]["namespaceUrn"]
    deployment.farm.organisation.change("ex01", "owa", "InternalUrl", "https://other/owa")
    assert exit_code(deployment.verify().findings()) == 0
    assert deployment.servers[0].ssh.connections == []


def test_where_every_service_is_opted_out_no_server_is_read(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {**deployment.all_outputs(), "settings": {}}
    monkeypatch.setattr(deployment, "all_outputs", lambda: outputs)
    result = deployment.verify()
    assert exit_code(result.findings()) == 0
    assert [row.detail for row in result.settings] == [
        "every service is opted out: this stack does not configure Exchange here"
    ] * 2
    assert [server.ssh.connections for server in deployment.servers] == [[], []]


@pytest.mark.parametrize(
    ("host_key", "password", "detail"),
    [
        (False, PASSWORD, "its SSH host key is not the one that the stack expects"),
        (True, "wrong-Password-1", "it refuses the logon over SSH"),
    ],
)
def test_a_wrong_host_key_or_password_means_could_not_look(
    deployment: Deployment, host_key: bool, password: str, detail: str
) -> None:
    if not host_key:
        deployment.outputs["ex01"]["hostKey"] = deployment.outputs["ex02"]["hostKey"]
    deployment.values["operatorPassword"] = password
    result = deployment.verify()
    assert f"EX01 settings: {detail}" in describe_findings(result, State.UNSEEN)
    assert exit_code(result.findings()) == 2
    assert deployment.servers[0].ssh.connections[0].commands == []


def test_an_unreadable_private_key_means_could_not_look_and_is_not_printed(
    deployment: Deployment,
) -> None:
    deployment.values["operatorPrivateKey"] = "no key at all"
    result = deployment.verify()
    assert exit_code(result.findings()) == 2
    assert any("private key" in text for text in describe_findings(result, State.UNSEEN))
    assert "no key at all" not in format_json(result)


def test_the_error_text_of_the_script_is_the_detail(deployment: Deployment) -> None:
    deployment.farm.organisation.remove_server("ex01")
    lines = describe_findings(deployment.verify(), State.UNSEEN)
    assert any("exchange is not installed on ex01" in line.lower() for line in lines)


def test_verify_only_reads(deployment: Deployment) -> None:
    deployment.verify()
    for server in deployment.servers:
        assert {request.method for request in server.https.requests} == {"GET"}
        commands = [command for connection in server.ssh.connections for command in connection.commands]
        assert [command.rpartition("/")[2] for command in commands] == ["Get-ClientAccessNamespace.ps1"]
        assert [connection.files for connection in server.ssh.connections] == [[]]


def test_the_json_has_everything_and_no_secret(deployment: Deployment) -> None:
    deployment.farm.organisation.change("ex01", "owa", "InternalUrl", "https://other/owa")
    text = format_json(deployment.verify())
    document = json.loads(text)
    assert (document["verdict"], document["exitCode"]) == ("differences", 1)
    assert document["sites"][0]["certificate"]["daysLeft"] > 30
    assert [row for server in document["settings"] for row in server["settings"] if row["state"] == "different"] == [
        {
            "state": "different",
            "detail": f"expected https://{OWA}/owa, found https://other/owa",
            "server": "EX01",
            "service": "owa",
            "setting": "InternalUrl",
            "expected": f"https://{OWA}/owa",
            "actual": "https://other/owa",
        }
    ]
    assert PASSWORD not in text
    assert PASSWORD not in repr(deployment.stack())
