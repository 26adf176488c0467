"""The command provider's stand-in behind a jump host, where the provider shakes hands again on a dead connection."""

from __future__ import annotations

import time

import pytest

from tests.unit.command_calls import Serve, connection, create, error
from tests.unit.provider_client import ProviderClient

pytestmark = pytest.mark.unit

DEAD = "proxy: after 2 failed attempts: ssh: handshake failed: EOF"


def test_a_dropped_handshake_is_retried_successfully_without_a_jump_host_only(
    client: ProviderClient, serve: Serve
) -> None:
    jump, straight, behind = serve(), serve(dropped=1), serve(dropped=1)
    create(client, connection=connection(straight, dialErrorLimit=2), create="echo hi")
    assert client.lines[-1]["answer"]["properties"]["stdout"] == "hi"
    create(client, connection=connection(behind, dialErrorLimit=2, proxy=connection(jump)), create="echo hi")
    assert error(client) == DEAD
    assert behind.log == ["connect"], "the server hears of no second try"
    assert jump.log.count("forward 127.0.0.1") == 1


def test_the_limit_of_the_published_provider_is_used_up_in_less_than_a_second(
    client: ProviderClient, serve: Serve
) -> None:
    jump, behind = serve(), serve(dropped=1)
    started = time.monotonic()
    create(client, connection=connection(behind, dialErrorLimit=4, proxy=connection(jump)), create="echo hi")
    # 0.1 + 0.15 + 0.225 + 0.3375 s between five tries; a busy machine may add to that.
    assert time.monotonic() - started > 0.8
    assert error(client) == "proxy: after 4 failed attempts: ssh: handshake failed: EOF"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"password": "wrong"}, "ssh: unable to authenticate, attempted methods [none password keyboard-interactive]"),
        ({"hostKey": "other"}, "ssh: host key mismatch"),
    ],
)
def test_the_reason_of_a_failure_behind_a_jump_host_is_reported_only_with_a_limit_of_one_dial(
    client: ProviderClient, serve: Serve, wrong: dict[str, str], reason: str
) -> None:
    jump, behind, other = serve(), serve(), serve()
    wrong = {name: other.host_key if value == "other" else value for name, value in wrong.items()}
    create(client, connection=connection(behind, dialErrorLimit=2, proxy=connection(jump), **wrong), create="echo hi")
    assert error(client) == DEAD
    assert behind.log.count("connect") == 1
    create(client, connection=connection(behind, dialErrorLimit=0, proxy=connection(jump), **wrong), create="echo hi")
    assert error(client).startswith(f"proxy: after 0 failed attempts: ssh: handshake failed: {reason}")


def test_a_server_that_the_jump_host_cannot_reach_is_dialled_again(client: ProviderClient, serve: Serve) -> None:
    jump, behind = serve(), serve()
    refused = connection(behind, port=1, dialErrorLimit=2, proxy=connection(jump))
    create(client, connection=refused, create="echo hi")
    assert error(client).startswith("proxy: after 2 failed attempts: ssh: rejected: connect failed (")
    assert jump.log.count("forward 127.0.0.1") == 3
    assert jump.log.count("connect") == 1


def test_a_connection_without_a_host_goes_to_this_computer(client: ProviderClient, serve: Serve) -> None:
    """Which is why the program never makes one."""
    server = serve()
    create(client, connection=connection(server, host=""), create="echo hi")
    assert client.lines[-1]["answer"]["properties"]["stdout"] == "hi"
    create(client, connection=connection(server, host="", port=1), create="echo hi")
    assert error(client) == "after 0 failed attempts: dial tcp :1: connect: connection refused"
