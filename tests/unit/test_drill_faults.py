"""A drill ends with one clear error when Autodiscover names no server or a client has a bug."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from typer.testing import Result

from operations.drill import ClientFaultError
from tests.unit.drill_namespace import DrillNamespace, wait_until
from tests.unit.internet import (
    ADDRESS,
    account,
    always,
    mapi,
)
from tests.unit.internet import certificates as certificates
from tests.unit.internet import internet as internet
from tests.unit.raw_site import Answers, RawSite, http_answer
from tests.unit.servers import OWA
from tests.unit.test_drill_command import here as here

pytestmark = pytest.mark.unit


@pytest.fixture
def raw(namespace: DrillNamespace) -> Iterator[Callable[[Answers], RawSite]]:
    """A site in the place of both servers."""
    with ExitStack() as stack:

        def site(answers: Answers) -> RawSite:
            namespace.addresses(ADDRESS)
            made = RawSite(
                address=ADDRESS, port=namespace.port, certificates=namespace.farm.certificates, answers=answers
            )
            return stack.enter_context(made)

        yield site


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            http_answer(b"<html>Log on</html>"),
            "answered 200 with what is not an Autodiscover document: its root is html",
        ),
        (http_answer(account(mapi(InternalUrl=f"https://{OWA}/mapi"))), "names no external URL of MAPI over HTTP"),
    ],
)
def test_a_drill_without_an_endpoint_asks_once_and_ends_with_the_answer(
    raw: Callable[[Answers], RawSite], here: Callable[..., Result], answer: bytes, words: str
) -> None:
    site = raw(always(answer))
    ended = here("--outside")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert len(site.requests) == 1


def test_a_bug_in_a_client_before_its_first_request_ends_the_drill_with_its_error(
    here: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("operations.drill.client.discover", broken)
    ended = here()
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Unexpected ZeroDivisionError: a mistake of ours.")


@pytest.mark.parametrize(
    "place", ["read_server_name", "discover"], ids=["its own thread", "the thread of Autodiscover"]
)
def test_a_bug_in_a_client_ends_every_call_that_waits_for_it(
    namespace: DrillNamespace, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    died = threading.Event()

    def broken(*_: object, **__: object) -> str:
        died.set()
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("operations.drill.client.REDISCOVER", 0.3)
    with namespace.clients() as clients:
        assert clients.wait(60, 0.0)
        monkeypatch.setattr(f"operations.drill.client.{place}", broken)
        assert died.wait(60)
        wait_until(lambda: any(client.fault for client in clients._clients))
        for waiting in (lambda: clients.wait(60, 1e12), lambda: clients.served(0.0), lambda: clients.observe("", 0.0)):
            with pytest.raises(ClientFaultError, match="ZeroDivisionError in a client: a mistake of ours"):
                waiting()
