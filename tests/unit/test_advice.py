"""Warnings of a preview."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stacks import advice
from tests.unit.good_stack_file import GOOD, read_good

pytestmark = pytest.mark.unit


def joined_warnings(**changes: Any) -> str:
    return "\n".join(advice.list_warnings(read_good(**changes)))


@pytest.mark.parametrize("source", ["Internet", "0.0.0.0/0"])
def test_ssh_that_is_open_to_the_internet_gives_a_warning(source: str) -> None:
    farm = read_good(network={"adminSources": [source]})
    assert any("whole Internet" in warning for warning in advice.list_warnings(farm))


@pytest.mark.parametrize(("ttl", "warned"), [(300, False), (301, True)])
def test_a_ttl_above_five_minutes_gives_a_warning(ttl: int, warned: bool) -> None:
    farm = read_good(dns={"ttlSeconds": ttl})
    assert any("ttlSeconds" in warning for warning in advice.list_warnings(farm)) is warned


@pytest.mark.parametrize(
    ("everywhere", "of_one", "in_rotation", "warned"),
    [(True, False, True, True), (True, False, False, False), (True, True, True, False), (False, False, True, False)],
)
def test_a_server_in_rotation_that_no_gate_checks_gives_a_warning(
    everywhere: bool, of_one: bool, in_rotation: bool, warned: bool
) -> None:
    values = copy.deepcopy(GOOD) | {"configureNamespace": everywhere, "allowSingleServer": True}
    values["servers"]["ex02"] |= {"configureNamespace": of_one, "inRotation": in_rotation}
    warnings = advice.list_warnings(read_good(**values))
    assert any("servers.ex02.configureNamespace" in warning for warning in warnings) is warned


@pytest.mark.parametrize("host", ["mail.contoso.exmaple", "mail.mail-domain.com", "10.40.0.11"])
def test_a_host_without_a_record_gives_a_warning(host: str) -> None:
    services = {"ews": {"externalUrl": f"https://{host}/EWS/Exchange.asmx"}}
    warnings = joined_warnings(namespace={"domain": "mail-domain.com", "services": services})
    assert (
        f"namespace.services.ews.externalUrl = https://{host}/EWS/Exchange.asmx: clients are sent to {host}" in warnings
    )
    if host[0].isalpha():
        anywhere = {"outlookAnywhere": {"externalHostname": host}}
        assert f"outlookAnywhere.externalHostname = {host}" in joined_warnings(
            namespace={"domain": "mail-domain.com", "services": anywhere}
        )


def test_a_host_with_a_record_gives_no_warning() -> None:
    services = {
        "ews": {"externalUrl": "https://OWA.mail-domain.com/ews/exchange.asmx"},
        "oab": {"enabled": False, "internalUrl": "https://elsewhere.com/OAB"},
        "autodiscover": {"serviceInternalUri": "https://autodiscover.mail-domain.com/autodiscover/autodiscover.xml"},
    }
    assert "record" not in joined_warnings(namespace={"domain": "mail-domain.com", "services": services})
