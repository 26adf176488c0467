"""The settings that follow from a namespace, against the values that Microsoft documents for one name in and out."""

from __future__ import annotations

import pytest

from components.namespace import client_hosts, exchange_settings, gate_names
from components.namespace_args import AutodiscoverArgs, MapiArgs, NamespaceArgs, ServicesArgs, UrlServiceArgs

pytestmark = pytest.mark.unit


def test_every_setting_is_derived_from_the_names() -> None:
    url = "https://owa.mail-domain.com"
    both = {
        "owa": f"{url}/owa",
        "ecp": f"{url}/ecp",
        "ews": f"{url}/EWS/Exchange.asmx",
        "oab": f"{url}/OAB",
        "activesync": f"{url}/Microsoft-Server-ActiveSync",
    }
    expected = {service: {"InternalUrl": value, "ExternalUrl": value} for service, value in both.items()}
    assert exchange_settings(NamespaceArgs(domain="mail-domain.com")) == {
        **expected,
        "mapi": {
            "InternalUrl": f"{url}/mapi",
            "ExternalUrl": f"{url}/mapi",
            "IISAuthenticationMethods": ["Ntlm", "OAuth", "Negotiate"],
        },
        "autodiscover": {
            "AutoDiscoverServiceInternalUri": "https://autodiscover.mail-domain.com/autodiscover/autodiscover.xml"
        },
        "outlookAnywhere": {
            "InternalHostname": "owa.mail-domain.com",
            "ExternalHostname": "owa.mail-domain.com",
            "InternalClientsRequireSsl": True,
            "ExternalClientsRequireSsl": True,
            "InternalClientAuthenticationMethod": "Ntlm",
            "ExternalClientAuthenticationMethod": "Ntlm",
            "SSLOffloading": False,
        },
    }


def test_clients_outside_may_have_another_name_and_domain() -> None:
    found = exchange_settings(
        NamespaceArgs(domain="corp.example", external_domain="mail.example", external_client_name="webmail")
    )
    assert found["owa"] == {
        "InternalUrl": "https://owa.corp.example/owa",
        "ExternalUrl": "https://webmail.mail.example/owa",
    }
    assert found["outlookAnywhere"]["ExternalHostname"] == "webmail.mail.example"
    assert "corp.example" in found["autodiscover"]["AutoDiscoverServiceInternalUri"]


def test_a_service_that_is_opted_out_has_no_settings() -> None:
    services = ServicesArgs(mapi=MapiArgs(enabled=False), autodiscover=AutodiscoverArgs(enabled=False))
    found = exchange_settings(NamespaceArgs(domain="mail-domain.com", services=services))
    assert {"mapi", "autodiscover"}.isdisjoint(found)
    assert "owa" in found


def test_a_url_in_the_stack_file_replaces_the_derived_one() -> None:
    services = ServicesArgs(
        oab=UrlServiceArgs(internal_url="https://oab.corp.example/OAB"),
        autodiscover=AutodiscoverArgs(service_internal_uri="https://owa.corp.example/autodiscover/autodiscover.xml"),
    )
    found = exchange_settings(NamespaceArgs(domain="corp.example", services=services))
    assert found["oab"] == {
        "InternalUrl": "https://oab.corp.example/OAB",
        "ExternalUrl": "https://owa.corp.example/OAB",
    }
    assert found["autodiscover"]["AutoDiscoverServiceInternalUri"].startswith("https://owa.corp.example/")


def test_each_service_has_the_hosts_of_its_clients_those_inside_first() -> None:
    services = ServicesArgs(mapi=MapiArgs(enabled=False))
    found = client_hosts(
        exchange_settings(NamespaceArgs(domain="corp.example", external_domain="mail.example", services=services))
    )
    assert found == {
        **{key: ["owa.corp.example", "owa.mail.example"] for key in ("owa", "ecp", "ews", "oab", "activesync")},
        "autodiscover": ["autodiscover.corp.example"],
        "outlookAnywhere": ["owa.corp.example", "owa.mail.example"],
    }


@pytest.mark.parametrize(
    ("published", "owa", "autodiscover"),
    [
        (False, ["owa.inside.com"], ["autodiscover.inside.com"]),
        (
            True,
            ["owa.inside.com", "mail.outside.com"],
            ["autodiscover.inside.com", "autodiscover.outside.com"],
        ),
    ],
    ids=["names outside end elsewhere", "names outside end at the servers"],
)
def test_the_gate_checks_each_name_whose_record_set_this_stack_publishes(
    published: bool, owa: list[str], autodiscover: list[str]
) -> None:
    namespace = NamespaceArgs(
        domain="inside.com",
        external_domain="outside.com",
        external_client_name="mail",
        services=ServicesArgs(ews=UrlServiceArgs(external_url="https://proxy.other.com/ews")),
    )
    found = gate_names(namespace, published=published)
    assert found["owa"] == found["outlookAnywhere"] == owa
    assert found["autodiscover"] == autodiscover
    assert found["ews"] == ["owa.inside.com"], "the gate does not check another host, such as a proxy"
