"""A URL that is left out is derived. null clears it on the servers, and is shown as none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.namespace import client_hosts, gate_names
from components.namespace import exchange_settings as wanted
from operations.check.settings import format_setting_value, is_same_setting
from operations.review.plan import Plan
from stacks import advice, arguments
from tests.unit import previews
from tests.unit.good_stack_file import GOOD, read_good

pytestmark = pytest.mark.unit


def farm(services: dict[str, Any], **changes: Any) -> Any:
    namespace = {**GOOD["namespace"], "services": services}
    return read_good(**{"namespace": namespace, **changes})


CLEARED = {
    "ecp": {"externalUrl": None},
    "oab": {"internalUrl": None, "externalUrl": None},
    "autodiscover": {"serviceInternalUri": None},
    "outlookAnywhere": {"externalHostname": None},
}


def test_null_clears_a_value_that_would_otherwise_be_derived() -> None:
    found = wanted(farm(CLEARED).namespace)
    assert found["ecp"] == {"InternalUrl": "https://owa.mail-domain.com/ecp", "ExternalUrl": None}
    assert found["oab"] == {"InternalUrl": None, "ExternalUrl": None}
    assert found["autodiscover"] == {"AutoDiscoverServiceInternalUri": None}
    assert found["outlookAnywhere"]["ExternalHostname"] is None
    assert found["outlookAnywhere"]["InternalHostname"] == "owa.mail-domain.com"
    assert found["outlookAnywhere"]["ExternalClientsRequireSsl"] is False, (
        "the value that Exchange has without a host name"
    )
    assert wanted(farm({}).namespace)["ecp"]["ExternalUrl"] == "https://owa.mail-domain.com/ecp"


def test_an_empty_text_is_refused_where_null_is_accepted() -> None:
    with pytest.raises(arguments.InvalidStackFileError, match=r"ecp\.externalUrl = '': Write text that is not empty"):
        farm({"ecp": {"externalUrl": ""}})


@pytest.mark.parametrize("published", [False, True])
def test_the_gate_requests_a_service_under_the_names_that_its_clients_use(published: bool) -> None:
    space = farm(CLEARED).namespace
    found = gate_names(space, published=published)
    assert found["ecp"] == ["owa.mail-domain.com"]
    assert found["outlookAnywhere"] == ["owa.mail-domain.com"]
    assert found["autodiscover"] == ["autodiscover.mail-domain.com"]
    assert "oab" not in found, "its clients have no URL"
    assert client_hosts(wanted(space))["oab"] == []


def test_a_service_only_for_clients_outside_is_requested_under_a_name_of_the_namespace() -> None:
    own = {"domain": "in.com", "externalDomain": "out.com", "services": {"ews": {"internalUrl": None}}}
    space = farm({}, namespace=own).namespace
    assert gate_names(space, published=True)["ews"] == ["owa.out.com"]
    assert "ews" not in gate_names(space, published=False)


def test_a_cleared_value_is_shown_as_none_in_a_review(tmp_path: Path) -> None:
    before, after = ({"settings": {"ecp": {"ExternalUrl": url}}} for url in ("https://a.com/ecp", None))
    step = previews.command("update", "ex01", "namespace", before, after)
    plan = Plan(previews.preview(tmp_path, previews.digest([step], {"ex01": previews.server(1)})))
    assert [(change.setting, change.old, change.new) for change in plan.setting_changes] == [
        ("ecp.ExternalUrl", "https://a.com/ecp", "none")
    ]


@pytest.mark.parametrize("held", [None, ""])
def test_a_cleared_value_equals_none_and_an_empty_text_on_the_server(held: str | None) -> None:
    assert is_same_setting(None, held)
    assert not is_same_setting(None, "https://a.com/ecp")
    assert not is_same_setting("none", held), "a text none is a different value"
    assert format_setting_value(held) == "none"


def test_a_stack_that_opts_out_of_every_service_is_refused() -> None:
    every = {name: {"enabled": False} for name in wanted(farm({}).namespace)}
    with pytest.raises(arguments.InvalidStackFileError, match="configureNamespace: false instead"):
        farm(every)


def test_a_cleared_host_gives_no_warning() -> None:
    assert not any("no record" in warning for warning in advice.list_warnings(farm(CLEARED)))
