"""The client of Azure Resource Manager, against the stand-in and against scripted answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from operations.azure.resource_manager import ResourceManagerClient
from operations.stack import StackError
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID, VirtualMachine
from tests.unit.azure_native import Azure as StandIn
from tests.unit.azure_native import make_machine, make_network

pytestmark = pytest.mark.unit

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/lab"
NETWORK = f"{GROUP}/providers/Microsoft.Network"


@pytest.fixture
def cloud(azure: StandIn) -> Iterator[ResourceManagerClient]:
    manager = azure.stand_in.resource_manager
    with ResourceManagerClient(manager.endpoint, SUBSCRIPTION_ID, lambda: manager.token) as opened:
        yield opened


def test_a_resource_group_has_tags_and_zones_and_is_deleted_with_everything_in_it(
    azure: StandIn, cloud: ResourceManagerClient
) -> None:
    there = azure.stand_in.subscription
    assert cloud.group_tags("lab") is None
    assert cloud.zones("lab") == {}
    cloud.delete_group("lab")
    there.put_existing(GROUP, {"location": "westeurope", "tags": {"lab": "anna"}})
    for rest in ("dnszones/a.example", "privateDnsZones/b.example", "virtualNetworks/c"):
        there.put_existing(f"{NETWORK}/{rest}", {"location": "global", "tags": {"of": rest}})
    there.put_existing(f"{NETWORK.replace('/lab/', '/lab2/')}/dnszones/other.example", {"location": "global"})
    assert cloud.group_tags("LAB") == {"lab": "anna"}
    assert cloud.zones("lab") == {
        f"{NETWORK}/dnszones/a.example": {"of": "dnszones/a.example"},
        f"{NETWORK}/privateDnsZones/b.example": {"of": "privateDnsZones/b.example"},
    }
    cloud.delete_group("lab")
    assert cloud.group_tags("lab") is None
    assert all("/lab2" in id for id in there.resources)
    assert there.resources, "the neighbour stays"


def test_deleting_a_group_waits_for_a_machine_that_still_boots(azure: StandIn, cloud: ResourceManagerClient) -> None:
    order: list[str] = []
    booting, go = threading.Event(), threading.Event()

    def boot(vm: VirtualMachine) -> None:
        booting.set()
        go.wait(30)
        order.append(f"{vm.name} booted")

    def gone(id: str) -> None:
        order.append(f"{id.rpartition('/')[2]} gone")

    azure.machines.create_machine = boot  # type: ignore[method-assign]
    azure.machines.delete_machine = gone  # type: ignore[method-assign]
    make_network(azure)
    with ThreadPoolExecutor() as pool:
        made = pool.submit(make_machine, azure)
        assert booting.wait(30)
        deleted = pool.submit(cloud.delete_group, "lab")
        while cloud.group_tags("lab") is not None:
            assert not deleted.done()
        assert order == []
        go.set()
        made.result(30)
        deleted.result(30)
    assert order == ["ex01 booted", "ex01 gone"]


def test_a_refused_token_is_tried_once_and_never_shown(azure: StandIn) -> None:
    manager = azure.stand_in.resource_manager
    with (
        ResourceManagerClient(manager.endpoint, SUBSCRIPTION_ID, lambda: "wrong-token") as cloud,
        pytest.raises(StackError, match="401 InvalidAuthenticationToken") as caught,
    ):
        cloud.group_tags("lab")
    assert "wrong-token" not in str(caught.value)
    assert len(manager.requests) == 1


@pytest.fixture
def scripted(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[ResourceManagerClient, list[float], Callable[..., list[str]]]]:
    """A client whose answers the test gives, the pauses that it made, and a function that queues answers."""
    answers: list[httpx.Response | Exception] = []
    pauses: list[float] = []
    monkeypatch.setattr("operations.azure.resource_manager.time.sleep", pauses.append)

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        found.headers["Asked"] = f"{request.method} {request.url.raw_path.decode()}"
        seen.append(found.headers["Asked"])
        return found

    seen: list[str] = []
    with ResourceManagerClient("https://azure.example", "s", lambda: "token") as cloud:
        cloud._client = httpx.Client(base_url="https://azure.example", transport=httpx.MockTransport(answer))

        def script(*given: httpx.Response | Exception) -> list[str]:
            answers.extend(given)
            return seen

        yield cloud, pauses, script


def test_a_request_is_repeated_while_azure_is_busy_or_unreachable(scripted: Any) -> None:
    cloud, pauses, script = scripted
    script(
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503),
        httpx.ConnectError("no route"),
        httpx.Response(200, json={"tags": None}),
    )
    assert cloud.group_tags("g") == {}
    assert pauses == [7, 2, 3]


def test_when_azure_stays_unreachable_there_is_one_clear_error(scripted: Any) -> None:
    cloud, _, script = scripted
    script(*[httpx.ConnectError("no route")] * 6)
    with pytest.raises(StackError, match="Azure: GET /subscriptions/s/resourcegroups/g: ConnectError: no route"):
        cloud.group_tags("g")


def test_every_page_of_a_list_is_read_from_the_url_that_azure_gave(scripted: Any) -> None:
    cloud, _, script = scripted
    following = "https://azure.example/subscriptions/s/resources?$skiptoken=abc&api-version=1"
    seen = script(
        httpx.Response(200, json={"value": [{"id": "one"}], "nextLink": following}),
        httpx.Response(200, json={"value": [{"id": "two"}]}),
    )
    assert cloud.zones("g") == {"one": {}, "two": {}}
    assert seen[1] == "GET /subscriptions/s/resources?$skiptoken=abc&api-version=1"


def test_a_deletion_that_azure_refuses_later_is_an_error_with_azures_reason(scripted: Any) -> None:
    cloud, pauses, script = scripted
    there = "https://azure.example/subscriptions/s/operationresults/x?api-version=1"
    blocked = {"error": {"code": "ScopeLocked", "message": "remove the lock"}}
    script(
        httpx.Response(202, headers={"Location": there, "Retry-After": "15"}),
        httpx.Response(202, headers={"Location": there, "Retry-After": "15"}),
        httpx.Response(409, json=blocked),
    )
    with pytest.raises(StackError, match="409 ScopeLocked: remove the lock"):
        cloud.delete_group("g")
    assert pauses == [15, 15]
