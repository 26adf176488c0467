"""The document of Set-ClientAccessRotation.ps1: what is wrong with it is reported before the server is touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.scripts.servers import ROTATE, SCRIPTS, Servers, rotation

BAD: Mapping[str, object] = {
    "server": "ex9",
    "exchangeVersion": ["2016"],
    "inRotation": [True],
    "rejectClosedPorts": None,
    "drainSeconds": [1],
    "health": {
        "seconds": -1,
        "address": ["127.40.0.11"],
        "port": [443],
        "names": {
            "owa": ["https://mail.example.com"],
            "pop3": ["mail.example.com"],
            "ecp": [],
            "ews": [None],
            "oab": ["mail.example.com\n"],
            "mapi": [["mail.example.com"]],
        },
        "path": "/",
    },
    "credential": {"userName": "x"},
    "recycleAppPools": True,
}


def test_all_problems_of_a_document_are_reported_at_once(servers: Servers) -> None:
    servers.organisation.add_server("ex1")
    outcome = servers.run(ROTATE, {**rotation(443, in_rotation=True), **BAD})
    assert outcome.exit_code == 2
    expected = [
        "server: the document is for ex9, this server is EX1",
        'exchangeVersion: ["2016"] is not among',
        "credential.password: missing",
        "recycleAppPools: unknown key",
        "inRotation: neither true nor false",
        "rejectClosedPorts: neither true nor false",
        "drainSeconds: not a whole number",
        "health.path: unknown key",
        "health.seconds: not a whole number from 0",
        "health.port: not a whole number from 1 to 65535",
        "health.address: not an IP address",
        'health.names.owa: "https://mail.example.com" is not a host name',
        "health.names.pop3: unknown service",
        "health.names.ecp: missing",
        "health.names.ews: missing",
        r'health.names.oab: "mail.example.com\n" is not a host name',
        'health.names.mapi: ["mail.example.com"] is not a host name',
    ]
    assert [problem for problem in expected if problem not in outcome.stderr] == []
    assert f"has {len(expected)} problem(s)" in outcome.stderr
    assert servers.cmdlets() == []


def test_only_a_plain_ip_address_is_accepted(servers: Servers) -> None:
    given = [
        "127.0.0.1",
        "::1",
        "fe80::11",
        "127.0.0.1\n",
        " 127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "ex1",
        "",
    ]
    outcome = servers.run(
        Path(__file__).with_name("addresses.ps1"), [*given, ["127.0.0.1"], 1, None], "-Scripts", str(SCRIPTS)
    )
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout) == [True, True, True, *[False] * 10]


def test_a_document_without_its_keys_names_each_of_them(servers: Servers) -> None:
    outcome = servers.run(ROTATE, {"server": "ex1", "exchangeVersion": "2016"})
    assert outcome.exit_code == 2
    for key in ("inRotation", "rejectClosedPorts", "drainSeconds", "health"):
        assert f"\n  {key}: " in outcome.stderr
