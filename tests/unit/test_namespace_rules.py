"""Rules for the names of a namespace, and for the URLs and host names of its services."""

from __future__ import annotations

import pytest

from tests.unit.good_stack_file import Edit, assert_problem, change_keys, change_service, find_problems

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("edit", "key", "remedy"),
    [
        pytest.param(
            change_keys(namespace={"domain": "a.com", "externalClientName": "autodiscover"}),
            "namespace.autodiscoverName",
            "inside and outside",
            id="one name for both outside",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "externalClientName": "ex01"}),
            "namespace.externalClientName",
            "outlive",
            id="a server's name outside",
        ),
        pytest.param(
            change_keys(
                namespace={
                    "domain": "a.com",
                    "services": {"ews": {"internalUrl": "https://ex01.corp.a.com/EWS/Exchange.asmx"}},
                }
            ),
            "namespace.services.ews.internalUrl",
            "outlive",
            id="a server's name in a URL",
        ),
        pytest.param(
            change_keys(namespace={"domain": ".".join(["a" * 60] * 4) + ".com"}),
            "namespace.domain",
            "253",
            id="a name too long",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "services": {"mapi": {"iisAuthenticationMethods": []}}}),
            "namespace.services.mapi.iisAuthenticationMethods",
            "at least one",
            id="no authentication method",
        ),
        pytest.param(change_keys(namespace={}), "namespace.domain", "missing", id="no domain"),
        pytest.param(
            change_keys(namespace={"domain": "mail_domain.com"}), "namespace.domain", "lower case", id="bad domain"
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "clientName": "owa.x"}),
            "namespace.clientName",
            "one DNS label",
            id="bad label",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "clientName": "autodiscover"}),
            "namespace.autodiscoverName",
            "two names",
            id="one name for both inside",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "clientName": "ex01"}),
            "namespace.clientName",
            "outlive",
            id="a server's name",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "services": {"owa": {"internalUrl": "http://x/owa"}}}),
            "namespace.services.owa.internalUrl",
            "https://",
            id="URL without TLS",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "services": {"owa": {"internalUrl": "owa.a.com/owa"}}}),
            "namespace.services.owa.internalUrl",
            "https://",
            id="relative URL",
        ),
        pytest.param(
            change_keys(
                namespace={"domain": "a.com", "services": {"outlookAnywhere": {"internalClientsRequireSsl": False}}}
            ),
            "namespace.services.outlookAnywhere.internalClientsRequireSsl",
            "contradicts",
            id="neither TLS nor offloading",
        ),
        pytest.param(
            change_keys(
                namespace={"domain": "a.com", "services": {"outlookAnywhere": {"externalClientsRequireSsl": None}}}
            ),
            "namespace.services.outlookAnywhere.externalClientsRequireSsl",
            "true or false",
            id="host name without its RequireSsl",
        ),
        pytest.param(
            change_keys(
                namespace={
                    "domain": "a.com",
                    "services": {"outlookAnywhere": {"externalClientAuthenticationMethod": None}},
                }
            ),
            "namespace.services.outlookAnywhere.externalClientAuthenticationMethod",
            "Negotiate",
            id="host name without its authentication",
        ),
        pytest.param(
            change_keys(namespace={"domain": "a.com", "services": {"oab": {"pollInterval": 480}}}),
            "namespace.services.oab.pollInterval",
            "2010 only",
            id="2010-only field",
        ),
        pytest.param(
            change_keys(
                namespace={"domain": "a.com", "services": {"autodiscover": {"internalUrl": "https://a.com/x"}}}
            ),
            "namespace.services.autodiscover.internalUrl",
            "2010 only",
            id="URL of the Autodiscover virtual directory",
        ),
    ],
)
def test_a_mistake_in_the_namespace_is_reported_by_its_key_with_a_remedy(edit: Edit, key: str, remedy: str) -> None:
    assert_problem(edit, key, remedy)


@pytest.mark.parametrize(
    ("name", "key", "url"),
    [
        ("owa", "internalUrl", "https://a.com"),
        ("owa", "externalUrl", "https://a.com/"),
        ("owa", "internalUrl", "https://a.com/owaa"),
        ("ecp", "internalUrl", "https://a.com/owa"),
        ("ews", "internalUrl", "https://a.com/ews"),
        ("oab", "internalUrl", "https://a.com/x/OAB"),
        ("activesync", "externalUrl", "https://a.com/activesync"),
        ("mapi", "externalUrl", "https://a.com/mapi-http"),
        ("autodiscover", "serviceInternalUri", "https://a.com/autodiscover"),
    ],
)
def test_a_url_without_the_path_of_its_service_is_refused(name: str, key: str, url: str) -> None:
    found = find_problems(change_service(name, **{key: url}))
    assert list(found) == [f"namespace.services.{name}.{key}"]
    assert "where Exchange has this service" in found[f"namespace.services.{name}.{key}"].remedy


@pytest.mark.parametrize(
    "url", ["https://a.com/owa", "https://a.com/OWA/", "https://a.com:8443/owa", "https://a.com/owa/x"]
)
def test_a_url_with_the_path_of_its_service_is_accepted_in_any_case(url: str) -> None:
    assert find_problems(change_service("owa", internalUrl=url)) == {}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://a.com:99999/owa", "is not a URL"),
        ("https://a.com:x/owa", "is not a URL"),
        ("https://me:secret@a.com/owa", "contains an account"),
        ("https://bücher.example/owa", "xn--bcher-kva.example"),
        ("https://a_b.com/owa", "not a host name"),
        ("https://mail/owa", "not a host name"),
    ],
)
def test_a_url_that_clients_cannot_use_is_refused_with_the_reason(url: str, reason: str) -> None:
    assert reason in find_problems(change_service("owa", internalUrl=url))["namespace.services.owa.internalUrl"].remedy


@pytest.mark.parametrize("url", ["https://me:s3cret@a.com/owa", "http://s3cret@a.com/owa"])
def test_the_account_of_a_url_is_not_shown(url: str) -> None:
    problem = find_problems(change_service("owa", internalUrl=url))["namespace.services.owa.internalUrl"]
    assert "s3cret" not in str(problem)
    assert "//***@a.com/owa" in str(problem)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("Mail-Domain.com", "mail-domain.com"),
        ("mail-domain.com.", "mail-domain.com"),
    ],
)
def test_a_domain_in_another_spelling_is_refused_with_the_spelling_of_dns(given: str, meant: str) -> None:
    found = find_problems(change_keys(namespace={"domain": given}))
    assert [problem.remedy for problem in found.values()] == [f"Write it in its DNS form: {meant}."]
    label = find_problems(change_keys(namespace={"domain": "a.com", "clientName": "ÖWA"}))
    assert label["namespace.clientName"].remedy == "Write it in its DNS form: xn--wa-eka."


@pytest.mark.parametrize("key", ["internalNLBBypassUrl", "InternalNLBBypassUrl"])
def test_the_bypass_url_is_not_called_a_setting_of_exchange_2010(key: str) -> None:
    remedy = find_problems(change_service("ews", **{key: "https://a.com/ews"}))[f"namespace.services.ews.{key}"].remedy
    assert "server's own address" in remedy
    assert "2010" not in remedy
