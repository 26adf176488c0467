"""The domain of machines that exist, and the preview of a join."""

from __future__ import annotations

from typing import Any

from tests.plan.program import GIVEN, plan
from tests.plan.strategies import SECRET
from tests.plan.test_single_settings import CREATED, single_config
from tests.plan.wire import MarkedSecret

DOMAIN = {
    "domain": {"name": "corp.mail-domain.com", "account": "CORP\\joiner"},
    "domainPassword": SECRET,
    "network": {"dnsServers": ["10.40.1.4"]},
}


def row(key: str, **other: Any) -> dict[str, Any]:
    """A server's outputs after the last `up`."""
    return {"computerName": key.upper(), "address": CREATED[key]["address"], **other}


def test_a_machine_that_an_earlier_up_left_in_no_domain_gets_a_warning_and_no_extension() -> None:
    last = {"servers": {"ex01": row("ex01", domain="corp.mail-domain.com"), "ex02": row("ex02")}}
    made = plan(single_config(DOMAIN), last=last)
    assert made.of_type("VirtualMachineExtension").keys() == {"cas-ex01-join"}
    [warning] = [text for text in made.log.warnings if "joinDomain" in text]
    assert "servers.ex02" in warning


def test_a_preview_marks_the_password_and_sends_no_ou_that_is_left_out() -> None:
    made = plan(single_config(DOMAIN), preview=True)
    inputs = made.find("cas-ex01-join").inputs
    assert inputs["protectedSettings"] == {"Password": MarkedSecret(GIVEN["domainPassword"])}
    assert "OUPath" not in inputs["settings"]
