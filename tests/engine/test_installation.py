"""From nothing to a namespace: machines join their domain, get Exchange, pass the gate and enter DNS in one `up`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.conftest import Start
from tests.engine.looks import PROJECT, differences, promised_settings, resolve, scripts_run

pytestmark = pytest.mark.engine

LAB = "lab.mail-domain.com"
DOMAIN = "corp.mail-domain.com"
SERVERS = ("EX01", "EX02")
ADDRESSES = {"127.40.0.11", "127.40.0.12"}


def install(config: dict[str, Any]) -> None:
    config[f"{PROJECT}:domain"] = {"name": DOMAIN, "account": "CORP\\machine-joiner"}
    config[f"{PROJECT}:network"] = {"dnsServers": ["10.40.0.4"]}
    config[f"{PROJECT}:installation"] = {"media": {"path": "\\\\files\\exchange\\ExchangeServerSE-x64.iso"}}


def test_new_machines_become_servers_of_the_namespace_in_one_up(start: Start) -> None:
    lab = start("lab", install)

    printed, shown = lab.stack.up().printed, lab.stack.state()

    for name in SERVERS:
        assert lab.organisation.fqdn(name) == f"{name.lower()}.{DOMAIN}"
        assert differences(lab, name, promised_settings(LAB)) == {}
        assert lab.organisation.component_states(name)["ServerWideOffline"] == "Active", "the gate has put it in"
        assert f"{name}: Exchange is installed" in shown
        ran = list(dict.fromkeys(script for server, script in scripts_run(lab) if server == name))
        assert ran == ["Install-ExchangeServer", "Set-ClientAccessRotation", "Set-ClientAccessNamespace"]
    assert resolve(lab.private_dns, f"owa.{LAB}")[0] == ADDRESSES
    for secret in lab.file.secrets.values():
        assert secret not in printed + shown

    connections = lab.datacentre.connections()
    assert lab.stack.up().changes == []
    assert lab.datacentre.connections() == connections
