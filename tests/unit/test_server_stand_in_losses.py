"""How a server stand-in is lost and comes back, seen from plain sockets of the operating system."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rehearsal.stand_ins.server import ServerStandIn
from rehearsal.stand_ins.windows_state import FIREWALL, FIREWALL_BY_POLICY, PROFILES
from tests.unit.servers import OWA, Farm

pytestmark = pytest.mark.unit

ADDRESS = "127.40.0.11"
SILENCE = 0.3  # seconds without a sign of life; on loopback an answer takes a thousandth of it
HEALTH = f"GET /owa/healthcheck.htm HTTP/1.1\r\nHost: {OWA}\r\n\r\n".encode()
RESTART = """
import json, os, pathlib
file = pathlib.Path(os.environ["EXCHANGE_STANDIN_ROOT"]) / "windows.json"
file.write_text(json.dumps({**json.loads(file.read_text()), "w3svcRestarts": 1}))
"""


@pytest.fixture
def server(farm: Farm) -> ServerStandIn:
    return farm.server()


def connect_over_tls(farm: Farm, server: ServerStandIn, port: int | None = None) -> ssl.SSLSocket:
    """An open connection that was answered once."""
    context = ssl.create_default_context(cadata=farm.certificates.authority_pem)
    raw = socket.create_connection((ADDRESS, port or server.https.port or 0), timeout=5)
    kept = context.wrap_socket(raw, server_hostname=OWA)
    assert is_healthy(kept)
    return kept


@pytest.fixture
def kept(farm: Farm, server: ServerStandIn) -> Iterator[ssl.SSLSocket]:
    with connect_over_tls(farm, server) as connection:
        yield connection


def is_healthy(kept: ssl.SSLSocket) -> bool:
    kept.sendall(HEALTH)
    return b"EX01.corp.example" in kept.recv(65536)


def wait_for_end(kept: ssl.SSLSocket) -> str:
    """Wait until the connection ends: by "RST" or "FIN", which the ssl module does not distinguish."""
    with socket.socket(fileno=os.dup(kept.fileno())) as raw:
        raw.settimeout(5)
        try:
            while raw.recv(65536):
                pass
        except ConnectionResetError:
            return "RST"
    return "FIN"


def probe_port(port: int) -> str:
    """The result of a SYN to the server's port: accepted, refused or silence."""
    with socket.socket() as tried:
        tried.settimeout(SILENCE)
        try:
            tried.connect((ADDRESS, port))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silence"
    return "accepted"


def set_stealth_mode(server: ServerStandIn, off: int, *, where: str = FIREWALL) -> None:
    file = server.drive.root / "windows.json"
    state: dict[str, Any] = json.loads(file.read_text())
    for profile in PROFILES:
        state.setdefault("registry", {})[f"{where}\\{profile}"] = {"DisableStealthMode": off}
    file.write_text(json.dumps(state))


@contextmanager
def unanswered(kept: socket.socket) -> Iterator[None]:
    """Nothing sent before or in the block is answered, and the connection is neither closed nor reset."""
    kept.settimeout(SILENCE)
    yield
    with pytest.raises(TimeoutError):
        kept.recv(1)


def test_a_silent_server_answers_no_open_connection(server: ServerStandIn, kept: ssl.SSLSocket) -> None:
    server.silence()
    with unanswered(kept):
        kept.sendall(HEALTH)
    assert [row.path for row in server.https.requests] == ["/owa/healthcheck.htm"]


def test_a_silent_server_answers_no_new_connection_on_any_port(server: ServerStandIn) -> None:
    web, ssh = server.https.port or 0, server.ssh.port or 0
    assert [probe_port(port) for port in (web, ssh)] == ["accepted"] * 2
    server.silence()
    assert [probe_port(port) for port in (web, ssh)] == ["silence"] * 2


def test_a_server_can_fall_silent_while_a_connection_is_just_ending(
    farm: Farm, server: ServerStandIn, kept: ssl.SSLSocket
) -> None:
    """Between two turns of the loop, the connection still exists but its socket does not."""
    looking = threading.Event()

    async def silence_when_it_ends() -> bool:
        assert server.https._server
        while open_ones := [row.transport for row in server.https._server.connections if row.transport]:
            looking.set()
            if any(row.get_extra_info("socket") is None for row in open_ones):
                server.https.silence()
                return True
            await asyncio.sleep(0)
        return False

    port = server.https.port or 0
    silenced = farm.portal.start_task_soon(silence_when_it_ends)
    assert looking.wait(10)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    kept.close()
    assert silenced.result(10), "it was met while it ended"
    assert probe_port(port) == "silence"


def test_an_open_ssh_connection_of_a_silent_server_is_neither_answered_nor_closed(server: ServerStandIn) -> None:
    with socket.create_connection((ADDRESS, server.ssh.port or 0), timeout=5) as kept:
        assert kept.recv(8) == b"SSH-2.0-"
        kept.recv(65536)
        server.silence()
        with unanswered(kept):
            kept.sendall(b"SSH-2.0-test\r\n")


def test_a_silent_server_that_starts_again_resets_open_connections_and_answers(
    farm: Farm, server: ServerStandIn, kept: ssl.SSLSocket
) -> None:
    port, ssh = server.https.port or 0, server.ssh.port or 0
    server.silence()
    kept.sendall(HEALTH)
    server._https_port = port
    server.start()
    assert wait_for_end(kept) == "RST"
    with connect_over_tls(farm, server, port):
        assert [probe_port(number) for number in (port, server.ssh.port or ssh)] == ["accepted"] * 2


def test_a_silent_server_can_be_stopped(server: ServerStandIn, kept: ssl.SSLSocket) -> None:
    port = server.https.port or 0
    server.silence()
    kept.sendall(HEALTH)
    server.stop()
    assert probe_port(port) == "refused"


def test_a_server_that_is_reset_does_not_close_tls(server: ServerStandIn, kept: ssl.SSLSocket) -> None:
    port = server.https.port or 0
    server.reset_https()
    assert wait_for_end(kept) == "RST"
    assert probe_port(port) == "refused"


def test_a_stopped_site_closes_in_order_and_is_silent_by_windows_default(
    server: ServerStandIn, kept: ssl.SSLSocket
) -> None:
    port = server.https.port or 0
    server.stop_https()
    assert wait_for_end(kept) == "FIN"
    assert probe_port(port) == "silence"
    assert probe_port(server.ssh.port or 0) == "accepted"


@pytest.mark.parametrize(
    ("local", "by_policy", "seen"), [(1, None, "refused"), (0, None, "silence"), (1, 0, "silence"), (0, 1, "refused")]
)
def test_the_firewall_decides_how_a_closed_port_answers(
    server: ServerStandIn, local: int, by_policy: int | None, seen: str
) -> None:
    port = server.https.port or 0
    set_stealth_mode(server, local)
    if by_policy is not None:
        set_stealth_mode(server, by_policy, where=FIREWALL_BY_POLICY)
    server.stop_https()
    assert probe_port(port) == seen


def test_stealth_mode_is_off_only_if_it_is_off_in_all_profiles(server: ServerStandIn) -> None:
    port = server.https.port or 0
    set_stealth_mode(server, 1)
    file = server.drive.root / "windows.json"
    state = json.loads(file.read_text())
    del state["registry"][f"{FIREWALL}\\PublicProfile"]
    file.write_text(json.dumps(state))
    server.stop_https()
    assert probe_port(port) == "silence"


def test_a_script_that_restarts_the_site_closes_its_connections_in_order(
    farm: Farm, server: ServerStandIn, kept: ssl.SSLSocket
) -> None:
    port = server.https.port
    assert server.run_script(RESTART, {}).exit_code == 0
    assert wait_for_end(kept) == "FIN"
    with connect_over_tls(farm, server):
        assert server.https.port == port


def test_a_restarting_site_answers_earlier_requests(
    farm: Farm, server: ServerStandIn, kept: ssl.SSLSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is held in the server until the restart has begun."""
    asked, restarting = threading.Event(), threading.Event()
    read = farm.organisation.settings

    def slow(computer_name: str) -> dict[str, dict[str, Any]]:
        asked.set()
        assert restarting.wait(5)
        return read(computer_name)

    close = server.https._network.silence

    def closing() -> None:
        close()
        restarting.set()

    monkeypatch.setattr(farm.organisation, "settings", slow)
    monkeypatch.setattr(server.https._network, "silence", closing)
    kept.sendall(HEALTH)
    assert asked.wait(5)
    server.run_script(RESTART, {})
    assert b"EX01.corp.example" in kept.recv(65536)
    assert wait_for_end(kept) == "FIN"
