"""The gate before DNS, against a web site over real TLS."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from rehearsal.stand_ins import without_powershell
from tests.scripts.servers import ADDRESS, NAMES, ROTATE, Outcome, Servers, altered, rotation
from tests.scripts.web_site import PAGE, GateSite, serving

PATHS = {
    "owa": "/owa",
    "ecp": "/ecp",
    "ews": "/ews",
    "oab": "/oab",
    "activesync": "/Microsoft-Server-ActiveSync",
    "mapi": "/mapi",
    "outlookAnywhere": "/rpc",
    "autodiscover": "/autodiscover",
}
HEALTH, PROBE = "ClientAccess.Health.ps1", "$ProbeMilliseconds = 10000"


def knock(servers: Servers, site: GateSite, *, seconds: int = 0, version: str = "2016") -> Outcome:
    document = rotation(site.port, in_rotation=True, version=version)
    document["health"]["seconds"] = seconds
    return servers.run(ROTATE, document)


def assert_shut(outcome: Outcome, *reasons: str) -> None:
    assert outcome.exit_code == 6, outcome.stderr
    assert "EX1 did not become healthy within" in outcome.stderr
    assert (
        "not added to DNS. An address that DNS has already stays there; inRotation: false removes it:" in outcome.stderr
    )
    assert [reason for reason in reasons if reason not in outcome.stderr] == []
    assert outcome.report["done"] is False


def test_each_service_is_requested_under_the_name_that_its_clients_use(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    assert knock(servers, site).exit_code == 0
    names = dict.fromkeys(PATHS, NAMES[0]) | {"autodiscover": NAMES[1]}
    expected = {
        (names[service], f"{names[service]}:{site.port}", f"{PATHS[service]}/healthcheck.htm") for service in PATHS
    }
    assert set(site.asked) == expected
    assert len(site.asked) == len(PATHS)


def test_a_service_is_requested_under_its_external_name_too_and_a_wildcard_matches_one_label(
    servers: Servers, tmp_path: Path
) -> None:
    servers.organisation.add_server("ex1")
    with serving(tmp_path, address=ADDRESS, names=("*.example.com",)) as site:
        servers.authority = site.authority
        document = rotation(site.port, in_rotation=True)
        document["health"]["names"]["owa"] = [NAMES[0], NAMES[1]]
        outcome = servers.run(ROTATE, document)
        assert outcome.exit_code == 0, outcome.stderr
        assert [name for name, _, path in site.asked if path == "/owa/healthcheck.htm"] == [NAMES[0], NAMES[1]]
        others = ["owa.outside.example.com", "example.com"]
        document["health"]["names"]["owa"] = [NAMES[0], *others]
        shut = [f"https://{name}/owa at {ADDRESS}: " for name in others]
        assert_shut(servers.run(ROTATE, document), f"\n  owa: https://{NAMES[0]}/owa at {ADDRESS}: 200", *shut)
        stdin, root = json.dumps(document).encode(), tmp_path / "without"
        root.mkdir()
        (root / "authority.pem").write_text(site.authority.read_text())
        result = without_powershell.run_script(ROTATE, (), stdin, servers.organisation, "EX1", root)
        assert f"owa: {NAMES[0]}: 200; {others[0]}: " in result.error
        assert result.error.count("Hostname mismatch") == len(others)


@pytest.mark.parametrize("service", PATHS)
def test_a_gate_that_fails_for_one_service_names_only_that_service(
    servers: Servers, site: GateSite, service: str
) -> None:
    servers.organisation.add_server("ex1")
    site.pages[f"{PATHS[service]}/healthcheck.htm"] = (503, PAGE)
    outcome = knock(servers, site)
    assert_shut(outcome, f"\n  {service}: https://", "503")
    named = [other for other in PATHS if f"\n  {other}: " in outcome.stderr]
    assert named == [service]


def test_a_component_that_another_requester_holds_is_reported_with_its_requester(
    servers: Servers, site: GateSite
) -> None:
    servers.organisation.add_server("ex1")
    servers.organisation.set_component("ex1", "MapiProxy", "Inactive", "HealthAPI")
    servers.organisation.set_component("ex1", "OabProxy", "Inactive", "HealthAPI")
    site.pages["/mapi/healthcheck.htm"] = (503, "")
    assert_shut(knock(servers, site), "MapiProxy is Inactive: held by HealthAPI (Inactive)")
    servers.organisation.set_component("ex1", "ServerWideOffline", "Inactive", "Functional")
    outcome = knock(servers, site)
    assert_shut(outcome, "ServerWideOffline is Inactive: held by Functional (Inactive)")
    assert "OabProxy" not in outcome.stderr, "its service is healthy, whatever its component says"
    assert servers.writes() == []


@pytest.mark.parametrize(
    "body", ["200 OK<br/>EX2.corp.example", "200 OK<br/>MYEX1.corp.example", "<html>Sign in</html>"]
)
def test_a_health_page_of_another_server_does_not_count(servers: Servers, site: GateSite, body: str) -> None:
    servers.organisation.add_server("ex1")
    site.pages["/owa/healthcheck.htm"] = (200, body)
    assert_shut(knock(servers, site), "owa: ", "200 OK, but not from ex1.corp.example")


def test_a_certificate_without_the_clients_name_fails_the_gate(servers: Servers, tmp_path: Path) -> None:
    servers.organisation.add_server("ex1")
    with serving(tmp_path, address=ADDRESS, names=(NAMES[0],)) as half:
        servers.authority = half.authority
        outcome = knock(servers, half)
    assert_shut(outcome, "\n  autodiscover: ", "certificate")
    assert "\n  owa: " not in outcome.stderr


def test_a_certificate_of_an_untrusted_authority_fails_the_gate(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    servers.authority = None
    assert_shut(knock(servers, site), *(f"\n  {service}: " for service in PATHS), "certificate")
    assert site.asked == []


def test_a_closed_port_fails_the_gate(servers: Servers, tmp_path: Path) -> None:
    servers.organisation.add_server("ex1")
    with serving(tmp_path, address=ADDRESS, names=NAMES) as gone:
        pass
    assert_shut(knock(servers, gone), "owa: ", "refused")


@contextmanager
def mute() -> Iterator[int]:
    """A port that accepts, and never answers."""
    with socket.create_server((ADDRESS, 0)) as accepting:
        yield accepting.getsockname()[1]


@contextmanager
def full() -> Iterator[int]:
    """A port that answers no SYN: its queue is full."""
    with socket.create_server((ADDRESS, 0), backlog=0) as accepting, socket.create_connection(accepting.getsockname()):
        yield accepting.getsockname()[1]


@pytest.mark.parametrize(
    ("port", "reason"), [(mute, f"owa: https://{NAMES[0]}/owa at {ADDRESS}: "), (full, "no connection to port")]
)
def test_a_web_site_that_never_answers_does_not_block_the_run(
    servers: Servers, tmp_path: Path, port: Callable[[], AbstractContextManager[int]], reason: str
) -> None:
    servers.organisation.add_server("ex1")
    quick = altered(tmp_path / "scripts", ROTATE, HEALTH, {PROBE: "$ProbeMilliseconds = 500"})
    with port() as number:
        document = rotation(number, in_rotation=True)
        document["health"]["names"] = {"owa": [NAMES[0]]}
        outcome = servers.run(quick, document)
    assert_shut(outcome, f"\n  owa: https://{NAMES[0]}/owa at {ADDRESS}: ", reason)


def test_a_round_that_hangs_after_the_time_limit_is_dropped_and_the_last_complete_round_counts(
    servers: Servers, site: GateSite, tmp_path: Path
) -> None:
    """The script's clock goes on by an hour when the second round has begun, and its first answer hangs."""
    servers.organisation.add_server("ex1")
    over, hours = threading.Event(), tmp_path / "hours"

    class Pages(dict[str, tuple[int, str]]):
        def get(self, _path: str, _default: tuple[int, str] = (0, "")) -> tuple[int, str]:  # type: ignore[override]
            if len(site.asked) > 2:
                hours.write_text("1")
                over.wait(60)
            return (503, "")

    site.pages = Pages()
    clock = f"function Get-Date {{ [datetime]::Now.AddHours([int](Test-Path -LiteralPath '{hours}')) }}"
    quick = altered(tmp_path / "scripts", ROTATE, HEALTH, {PROBE: f"$ProbeMilliseconds = 3000\n{clock}"})
    document = rotation(site.port, in_rotation=True)
    document["health"] |= {"seconds": 1800, "names": {"owa": [NAMES[0]], "ecp": [NAMES[0]]}}
    outcome = servers.run(quick, document)
    over.set()
    assert_shut(outcome, "\n  owa: ", "\n  ecp: ", "503")
    assert [path.split("/")[1] for _, _, path in site.asked] == ["owa", "ecp", "owa"]


def test_without_powershell_a_failed_gate_prints_the_same_sentence(servers: Servers, tmp_path: Path) -> None:
    servers.organisation.add_server("ex1")
    with serving(tmp_path, address=ADDRESS, names=NAMES) as gone:
        pass
    document = rotation(gone.port, in_rotation=True)
    stdin = json.dumps(document).encode()
    result = without_powershell.run_script(ROTATE, (), stdin, servers.organisation, "EX1", tmp_path)
    assert result.exit_code == 6
    assert result.error.splitlines()[0] in servers.run(ROTATE, document).stderr.splitlines()


def test_a_service_that_becomes_healthy_in_time_passes_the_gate(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1")
    page = "/ews/healthcheck.htm"
    site.pages[page] = (503, "")
    asked = threading.Event()

    class Pages(dict[str, tuple[int, str]]):
        def get(self, path: str, default: tuple[int, str] = (0, "")) -> tuple[int, str]:  # type: ignore[override]
            first = path == page and not asked.is_set()
            if path == page:
                asked.set()
            return (503, "") if first else default

    site.pages = Pages()
    outcome = knock(servers, site, seconds=60)
    assert outcome.exit_code == 0, outcome.stderr
    assert "Not healthy yet" in outcome.stderr
    assert len(site.asked) == 2 * len(PATHS), "every service is asked again"


def test_a_service_that_this_build_does_not_have_is_skipped_and_reported(servers: Servers, site: GateSite) -> None:
    servers.organisation.add_server("ex1", version="2013RTM")
    site.pages["/mapi/healthcheck.htm"] = (404, "")
    outcome = knock(servers, site, version="2013")
    assert outcome.exit_code == 0, outcome.stderr
    assert list(outcome.report["skipped"]) == ["mapi"]
    assert "mapi: not probed" in outcome.stderr
    assert "/mapi/healthcheck.htm" not in [path for _, _, path in site.asked]
