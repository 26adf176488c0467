"""verify on a stack whose file was edited since the last `up`: it checks what is deployed and names the edited keys."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from operations.check.report import format_json
from operations.result import Finding, State, exit_code
from operations.stack_file import differing_keys
from tests.unit.deployment import Deployment
from tests.unit.servers import AUTODISCOVER, OWA, Farm

pytestmark = pytest.mark.unit

Values = dict[str, Any]


@pytest.fixture
def deployment(farm: Farm) -> Deployment:
    """A deployment whose `values` the tests edit."""
    made = Deployment(farm=farm)
    made.deployed, made.values = made.values, deepcopy(made.values)
    return made


def renamed(values: Values) -> None:
    values["namespace"]["clientName"] = "mail"


def moved(values: Values) -> None:
    values["namespace"]["externalDomain"] = "elsewhere.example"


def shorter(values: Values) -> None:
    values["dns"]["ttlSeconds"] = 60


def published(values: Values) -> None:
    values["dns"]["public"] = {"existingResourceGroup": "dns"}
    for number, server in enumerate(values["servers"].values(), start=1):
        server["externalAddress"] = f"203.0.113.{number}"


def other_ports(values: Values) -> None:
    values["httpsPort"], values["ssh"]["port"] = 444, 23


def behind_a_jump_host(values: Values) -> None:
    key = values["servers"]["ex01"]["hostKey"]
    values["ssh"]["jumpHost"] = {"host": "127.0.0.1", "port": 9, "user": "me", "hostKey": key}
    values["jumpHostPassword"] = "x"


def other_version(values: Values) -> None:
    values["exchangeVersion"] = "2019"


def opted_out(values: Values) -> None:
    values["namespace"]["services"] = {"ecp": {"enabled": False}, "owa": {"internalUrl": f"https://{OWA}/owa/"}}


def grown(values: Values) -> None:
    values["servers"]["ex03"] = {**values["servers"]["ex01"], "computerName": "EX03", "address": "127.40.1.3"}


def taken_out(values: Values) -> None:
    values["servers"]["ex02"] |= {"inRotation": False, "configureNamespace": False}
    values["allowSingleServer"] = True


def gone(values: Values) -> None:
    del values["servers"]["ex02"]
    values["allowSingleServer"] = True


SERVICES = [
    f"namespace.services.{name}" for name in ("activesync", "ecp", "ews", "mapi", "oab", "outlookAnywhere", "owa")
]


@pytest.mark.parametrize(
    ("edit", "keys"),
    [
        (renamed, ["namespace.client", "namespace.externalClient", "dns.private", *SERVICES]),
        (moved, ["namespace.externalAutodiscover", "namespace.externalClient", *SERVICES]),
        (shorter, ["dns.ttlSeconds"]),
        (published, ["dns.public", "servers.ex01.publicAddress", "servers.ex02.publicAddress"]),
        (other_ports, ["httpsPort", "ssh.port"]),
        (behind_a_jump_host, ["ssh.jumpHost"]),
        (other_version, ["exchangeVersion"]),
        (opted_out, ["namespace.services.ecp", "namespace.services.owa"]),
        (grown, ["servers.ex03"]),
        (taken_out, ["servers.ex02.configureNamespace", "servers.ex02.inRotation"]),
        (gone, ["servers.ex02"]),
    ],
)
def test_an_edit_that_is_not_deployed_is_shown_and_the_deployed_values_are_checked(
    deployment: Deployment, edit: Callable[[Values], None], keys: list[str]
) -> None:
    edit(deployment.values)
    result = deployment.verify()
    assert exit_code(result.findings()) == 0, [row for row in result.findings() if row.detail]
    assert {site.name for site in result.sites} == {row.name for row in result.dns} == {OWA, AUTODISCOVER}
    assert [len(server.settings) for server in result.settings] == [21, 21]
    (line,) = [row for row in result.findings() if row.detail]
    assert (line.subject, line.state) == ("stack file", State.SHOWN)
    how = "See it: pulumi preview --stack test; deploy it: pulumi up --stack test"
    assert line.detail == f"it differs from what is deployed: {', '.join(keys)}. {how}"


def test_a_failing_deployed_name_is_found_although_the_file_has_another(deployment: Deployment) -> None:
    renamed(deployment.values)
    deployment.rows[0].__dict__["values"] = ("127.40.1.1",)
    result = deployment.verify()
    assert [row.subject for row in different(result.findings())] == [f"{OWA} at resolver {result.dns[0].source[9:]}"]


def different(findings: list[Finding]) -> list[Finding]:
    return [row for row in findings if row.state is State.DIFFERENT]


def test_a_file_with_errors_hides_no_finding_and_its_values_are_not_printed(
    deployment: Deployment,
) -> None:
    deployment.values["servers"]["ex01"]["hostKey"] = deployment.values["nonsense"] = "a password in the wrong place"
    result = deployment.verify()
    assert exit_code(result.findings()) == 0
    assert result.file.state is State.SHOWN
    assert result.file.detail.startswith("it has errors, so it could not be compared with what is deployed: ")
    assert "servers.ex01.hostKey" in result.file.detail
    assert "nonsense" in result.file.detail
    assert "a password in the wrong place" not in format_json(result)


def test_none_equals_a_key_that_the_state_leaves_out() -> None:
    assert list(differing_keys({"owa": {"InternalUrl": None}, "ecp": None}, {"owa": {}})) == []
    assert list(differing_keys({"owa": {"InternalUrl": None}}, {"owa": {"InternalUrl": f"https://{OWA}/owa"}})) == [
        "owa"
    ]


def test_an_unedited_file_is_not_mentioned(deployment: Deployment) -> None:
    deployment.outputs["ex01"]["hostKey"] = deployment.values["servers"]["ex01"]["hostKey"]
    assert (deployment.stack().file.state, deployment.stack().file.detail) == (State.FINE, "")
