"""Rotation as clients with kept connections meet it: on a whole server stand-in, with PowerShell and without."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from anyio.from_thread import start_blocking_portal

from components import powershell
from rehearsal.stand_ins.accounts import Accounts
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.tls import Certificates
from tests.scripts.servers import ADDRESS, NAMES, SCRIPTS, document, rotation
from tests.unit.browser import REQUEST

USER, PASSWORD = r"CORP\operator", "S3cret-pass"
CLIENTS = 8


@pytest.fixture(params=["with PowerShell", "without PowerShell"])
def server(request: pytest.FixtureRequest, tmp_path: Path, pwsh: str) -> Iterator[ServerStandIn]:
    """EX1 with Exchange 2016, the project's scripts in C:/scripts, SSH and a web site."""
    accounts, organisation = Accounts(), Organisation(tmp_path / "organisation")
    accounts.put(USER, PASSWORD)
    organisation.add_server("ex1")
    with start_blocking_portal() as portal:
        server = ServerStandIn(
            "ex1",
            portal=portal,
            root=tmp_path / "ex1",
            addresses=[ADDRESS],
            organisation=organisation,
            accounts=accounts,
            certificates=Certificates(NAMES),
            https_port=0,
            ssh_port=0,
            pwsh=pwsh if request.param == "with PowerShell" else None,
        )
        folder = server.drive.local("C:/scripts")
        folder.mkdir()
        for script in SCRIPTS.glob("*.ps1"):
            (folder / script.name).write_bytes(script.read_bytes())
        server.start()
        yield server
        server.stop()


def rotate(server: ServerStandIn, **changes: Any) -> tuple[int | None, Any, str]:
    return run(server, "Set-ClientAccessRotation", rotation(server.https.port or 0, **changes))


def run(server: ServerStandIn, script: str, given: Any) -> tuple[int | None, Any, str]:
    """Exit status, report and standard error of a script, run over SSH as the engine does."""

    async def go() -> asyncssh.SSHCompletedProcess:
        known = asyncssh.import_known_hosts(f"[{ADDRESS}]:{server.ssh.port} {server.host_key}\n")
        options: dict[str, Any] = {"known_hosts": known, "client_keys": None, "config": None}
        async with asyncssh.connect(ADDRESS, server.ssh.port, username=USER, password=PASSWORD, **options) as shell:
            return await shell.run(f"powershell -NoProfile -File C:/scripts/{script}.ps1", input=json.dumps(given))

    done = asyncio.run(go())
    return done.exit_status, powershell.read_report(str(done.stdout), "server"), str(done.stderr)


class Client(threading.Thread):
    """Asks on one kept connection until that is closed; `answers` has the status of every answer it got."""

    def __init__(self, server: ServerStandIn) -> None:
        super().__init__()
        trusted = ssl.create_default_context(cafile=str(server.drive.root / "authority.pem"))
        plain = socket.create_connection((ADDRESS, server.https.port or 0), timeout=30)
        self._connection = http.client.HTTPConnection(NAMES[0])
        self._connection.sock = trusted.wrap_socket(plain, server_hostname=NAMES[0])
        self._connection.auto_open = 0
        self.answers: list[int] = []
        self.asked = threading.Event()

    def run(self) -> None:
        try:
            while True:
                self._connection.request("GET", "/owa/healthcheck.htm")
                answer = self._connection.getresponse()
                answer.read()
                self.answers.append(answer.status)
                self.asked.set()
        except (OSError, http.client.HTTPException):
            self._connection.close()


def test_every_request_on_a_kept_connection_succeeds_until_the_connection_is_closed(server: ServerStandIn) -> None:
    clients = [Client(server) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    assert all(client.asked.wait(30) for client in clients)
    status, report, error = rotate(server, in_rotation=False, drainSeconds=1)
    assert status == 0, error
    for client in clients:
        client.join(30)
        assert not client.is_alive(), "its connection was closed"
        assert set(client.answers) == {200}
    assert report["restarted"] == ["MSExchangeTransport", "W3SVC"]
    # A client that connects now gets 503: the server runs and is offline.
    late = Client(server)
    late.start()
    assert late.asked.wait(30)
    assert late.answers[0] == 503
    server.stop_https()
    late.join(30)


def discovered(server: ServerStandIn) -> str:
    """What Autodiscover tells a client."""
    trusted = ssl.create_default_context(cafile=str(server.drive.root / "authority.pem"))
    plain = socket.create_connection((ADDRESS, server.https.port or 0), timeout=30)
    connection = http.client.HTTPConnection(NAMES[1])
    connection.sock = trusted.wrap_socket(plain, server_hostname=NAMES[1])
    logon = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    connection.request("POST", "/autodiscover/autodiscover.xml", REQUEST, {"Authorization": f"Basic {logon}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_clients_get_new_settings_only_after_the_script_has_recycled_the_pools(
    server: ServerStandIn,
) -> None:
    assert "ex1.corp.example" in discovered(server)
    status, report, error = run(server, "Set-ClientAccessNamespace", document(recycleAppPools=False))
    assert (status, report["recycledAppPools"]) == (0, []), error
    assert NAMES[0] not in discovered(server)
    changed = document(settings={"ecp": dict.fromkeys(("InternalUrl", "ExternalUrl"), f"https://{NAMES[0]}/new")})
    status, report, error = run(server, "Set-ClientAccessNamespace", changed)
    assert (status, report["recycledAppPools"]) == (0, ["MSExchangeECPAppPool", "MSExchangeAutodiscoverAppPool"]), error
    assert f"https://{NAMES[0]}/new" in discovered(server)
    assert "ex1.corp.example" not in discovered(server)


def test_a_server_comes_back_through_its_own_web_site_and_a_second_run_changes_nothing(server: ServerStandIn) -> None:
    assert rotate(server, in_rotation=False)[0] == 0
    status, report, error = rotate(server, in_rotation=True)
    assert status == 0, error
    assert report["components"]["ServerWideOffline"] == {"before": "Inactive", "after": "Active", "changed": True}
    assert len(report["health"]) == 8
    again = rotate(server, in_rotation=True)[1]
    assert [row["changed"] for row in again["components"].values()] == [False] * 3
    assert again["restarted"] == []


def test_a_component_that_another_requester_holds_fails_the_gate_and_the_report_is_complete(
    server: ServerStandIn,
) -> None:
    organisation = Organisation(server.drive.root.parent / "organisation")
    organisation.set_component("ex1", "EwsProxy", "Inactive", "HealthAPI")
    status, report, error = rotate(server, in_rotation=True, rejectClosedPorts=True)
    assert status == 6, error
    assert "EwsProxy is Inactive: held by HealthAPI" in error
    assert list(report) == [
        "server",
        "exchangeVersion",
        "inRotation",
        "done",
        "drainedSeconds",
        "components",
        "restarted",
        "health",
        "closedPorts",
        "skipped",
    ]
    assert (report["done"], report["closedPorts"]["rejected"]) == (False, True)
    organisation.set_component("ex1", "EwsProxy", "Active", "HealthAPI")
    status, report, error = rotate(server, in_rotation=True)
    assert (status, report["closedPorts"]["rejected"]) == (0, False), error
