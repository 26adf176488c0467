"""`rejectClosedPorts` on the real engine: how a connection to a stopped web site fails."""

from __future__ import annotations

import socket

import pytest

from rehearsal import losses
from rehearsal.rehearsal import Rehearsal
from tests.engine.looks import PROJECT

pytestmark = pytest.mark.engine


def connect(rehearsal: Rehearsal) -> str:
    """How a connection to EX02 ends while its web site is stopped: connected, refused or silence."""
    server = rehearsal.datacentre.servers["EX02"]
    losses.stop_web_site(server)
    try:
        with socket.create_connection((server.addresses[0], rehearsal.datacentre.https_port), timeout=2):
            return "connected"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silence"
    finally:
        server.start()


def test_a_stopped_web_site_refuses_connections_with_the_key_and_is_silent_without_it(quick_lab: Rehearsal) -> None:
    assert connect(quick_lab) == "silence"
    quick_lab.stack.change(lambda config: config.update({f"{PROJECT}:rejectClosedPorts": True}))
    assert set(quick_lab.stack.up().changed()) == {"cas-ex01-rotation", "cas-ex02-rotation"}
    assert connect(quick_lab) == "refused"
    assert quick_lab.stack.up().changes == []
    quick_lab.stack.change(lambda config: config.pop(f"{PROJECT}:rejectClosedPorts"))
    quick_lab.stack.up()
    assert connect(quick_lab) == "silence"
