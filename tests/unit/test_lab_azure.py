"""Azure Resource Manager as the lab commands ask it: against its stand-in, and against answers written out here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from operations.labs import azure as lab_azure
from operations.labs.azure import Azure, essence, where
from operations.stack import StackError
from rehearsal.stand_ins.azure_native import SUBSCRIPTION_ID, VirtualMachine
from tests.unit.azure_native import Azure as StandIn
from tests.unit.azure_native import make_machine, make_network

pytestmark = pytest.mark.unit

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/lab"
NETWORK = f"{GROUP}/providers/Microsoft.Network"


@pytest.fixture
def cloud(azure: StandIn) -> Iterator[Azure]:
    manager = azure.stand_in.resource_manager
    with Azure(manager.endpoint, SUBSCRIPTION_ID, manager.token) as opened:
        yield opened


def test_a_group_is_told_by_its_tags_its_zones_by_their_ids_and_deleted_with_all_that_is_in_it(
    azure: StandIn, cloud: Azure
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
    assert there.resources, "the neighbour is there"


def test_a_machine_that_still_boots_is_gone_only_when_it_has_ended(azure: StandIn, cloud: Azure) -> None:
    order: list[str] = []
    booting, go = threading.Event(), threading.Event()

    def boot(vm: VirtualMachine) -> None:
        booting.set()
        go.wait(30)
        order.append(f"{vm.name} booted")

    def gone(id: str) -> None:
        order.append(f"{id.rpartition('/')[2]} gone")

    azure.machines.vm_created = boot  # type: ignore[method-assign]
    azure.machines.vm_deleted = gone  # type: ignore[method-assign]
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


def test_a_token_that_is_not_taken_is_said_once_and_not_shown(azure: StandIn) -> None:
    manager = azure.stand_in.resource_manager
    with (
        Azure(manager.endpoint, SUBSCRIPTION_ID, "a wrong one") as cloud,
        pytest.raises(StackError, match="401 InvalidAuthenticationToken") as caught,
    ):
        cloud.group_tags("lab")
    assert "a wrong one" not in str(caught.value)
    assert len(manager.requests) == 1


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Azure, list[float], Callable[..., list[str]]]]:
    """Azure with answers of one's own, and the pauses that were made."""
    answers: list[httpx.Response | Exception] = []
    pauses: list[float] = []
    monkeypatch.setattr("operations.labs.azure.time.sleep", pauses.append)

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        found.headers["Asked"] = f"{request.method} {request.url.raw_path.decode()}"
        seen.append(found.headers["Asked"])
        return found

    seen: list[str] = []
    with Azure("https://azure.example", "s", "token") as cloud:
        cloud._client = httpx.Client(base_url="https://azure.example", transport=httpx.MockTransport(answer))

        def script(*given: httpx.Response | Exception) -> list[str]:
            answers.extend(given)
            return seen

        yield cloud, pauses, script


def test_azure_that_is_busy_or_out_of_reach_for_a_moment_is_asked_again(scripted: Any) -> None:
    cloud, pauses, script = scripted
    script(
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(503),
        httpx.ConnectError("no route"),
        httpx.Response(200, json={"tags": None}),
    )
    assert cloud.group_tags("g") == {}
    assert pauses == [7, 2, 3]


def test_azure_that_stays_out_of_reach_is_one_clear_error(scripted: Any) -> None:
    cloud, _, script = scripted
    script(*[httpx.ConnectError("no route")] * 6)
    with pytest.raises(StackError, match="Azure: GET /subscriptions/s/resourcegroups/g: ConnectError: no route"):
        cloud.group_tags("g")


def test_every_page_of_a_list_is_read_at_the_address_that_azure_gave(scripted: Any) -> None:
    cloud, _, script = scripted
    following = "https://azure.example/subscriptions/s/resources?$skiptoken=abc&api-version=1"
    seen = script(
        httpx.Response(200, json={"value": [{"id": "one"}], "nextLink": following}),
        httpx.Response(200, json={"value": [{"id": "two"}]}),
    )
    assert cloud.zones("g") == {"one": {}, "two": {}}
    assert seen[1] == "GET /subscriptions/s/resources?$skiptoken=abc&api-version=1"


def test_a_deletion_that_azure_refuses_in_the_end_is_an_error_with_azures_words(scripted: Any) -> None:
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


def test_each_azure_is_asked_where_it_is_and_another_one_is_refused() -> None:
    endpoint = lab_azure.ENDPOINTS
    assert endpoint[where({}, {})] == "https://management.azure.com"
    assert endpoint[where({"environment": "China"}, {})] == "https://management.chinacloudapi.cn"
    assert endpoint[where({}, {"ARM_ENVIRONMENT": "usgovernment"})] == "https://management.usgovcloudapi.net"
    with pytest.raises(StackError, match="choose one of public, usgovernment, china"):
        where({"environment": "mars"}, {})


def test_of_all_that_the_engine_prints_only_what_is_wrong_is_told_and_once() -> None:
    printed = "code: 255\n stdout: Previewing (look):\n  azure-native error: no sign-in\n  error: no sign-in\n"
    assert essence(printed) == "no sign-in"
    assert essence("the program raised something") == "the program raised something"
