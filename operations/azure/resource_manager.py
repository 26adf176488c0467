"""Azure Resource Manager over HTTP, for what azure-native has no function for: resource groups, and links of zones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx

from operations.stack import StackError

API = {"api-version": "2021-04-01"}
PRIVATE_DNS_API = {"api-version": "2024-06-01"}
ZONES = ("Microsoft.Network/dnsZones", "Microsoft.Network/privateDnsZones")
SECONDS, TRIES, LONGEST_PAUSE = 60, 6, 30
# Azure takes minutes to delete a resource group with virtual machines.
DELETION_SECONDS = 3600


class ResourceManagerClient:
    """Use it as a context manager. Every method raises StackError where Azure does not answer or refuses."""

    def __init__(self, endpoint: str, subscription: str, get_token: Callable[[], str]) -> None:
        self._root = f"/subscriptions/{subscription}"
        self._get_token = get_token
        self._client = httpx.Client(base_url=endpoint, timeout=SECONDS)

    def __enter__(self) -> ResourceManagerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def group_tags(self, group: str) -> dict[str, str] | None:
        """The resource group's tags, None where it does not exist."""
        answer = self._ask("GET", f"{self._root}/resourcegroups/{group}", missing=True)
        return dict(answer.json().get("tags") or {}) if answer.is_success else None

    def zones(self, group: str) -> dict[str, dict[str, str]]:
        """Id -> tags of the DNS zones in the resource group."""
        types = " or ".join(f"resourceType eq '{type}'" for type in ZONES)
        rows = self._list(f"{self._root}/resourcegroups/{group}/resources", {"$filter": types})
        return {str(row["id"]): dict(row.get("tags") or {}) for row in rows}

    def private_zones(self, name: str) -> list[str]:
        """The ids of the private zones with this name, in any resource group."""
        rows = self._list(f"{self._root}/providers/Microsoft.Network/privateDnsZones", PRIVATE_DNS_API)
        return [str(row["id"]) for row in rows if str(row["name"]).lower() == name.lower()]

    def linked_networks(self, zone: str) -> dict[str, str]:
        """Id of each link -> id of its virtual network; `zone` is the id of a private zone."""
        rows = self._list(f"{zone}/virtualNetworkLinks", PRIVATE_DNS_API)
        return {str(row["id"]): str(row["properties"]["virtualNetwork"]["id"]) for row in rows}

    def delete_group(self, group: str) -> None:
        """Deletes the resource group with everything in it; returns when it is gone."""
        answer = self._ask("DELETE", f"{self._root}/resourcegroups/{group}", missing=True)
        end = time.monotonic() + DELETION_SECONDS
        while answer.status_code == httpx.codes.ACCEPTED and time.monotonic() < end:
            time.sleep(read_pause(answer, 5))
            answer = self._ask("GET", answer.headers["Location"], missing=True)
        if self.group_tags(group) is not None:
            raise StackError(f"Azure: the resource group {group} still exists {DELETION_SECONDS} s after its deletion.")

    def _list(self, path: str, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        answer = self._ask("GET", path, params=params, missing=True)
        while answer.is_success:
            page = answer.json()
            yield from page["value"]
            if not page.get("nextLink"):
                return
            answer = self._ask("GET", page["nextLink"])

    def _ask(self, method: str, path: str, *, missing: bool = False, **request: Any) -> httpx.Response:
        """`missing`: 404 is an answer. A URL from Azure (`nextLink`, `Location`) has its api-version already."""
        if path.startswith(self._root):
            request["params"] = {**API, **request.get("params", {})}
        request["headers"] = {"Authorization": f"Bearer {self._get_token()}"}
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._client.request(method, path, **request)
            except httpx.HTTPError as error:
                reason, pause = f"{type(error).__name__}: {error}", float(attempt)
            else:
                if answer.is_success or (missing and answer.status_code == httpx.codes.NOT_FOUND):
                    return answer
                reason, pause = describe_refusal(answer), read_pause(answer, attempt)
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and answer.status_code < 500:
                    break
            if attempt < TRIES:
                time.sleep(pause)
        raise StackError(f"Azure: {method} {path}: {reason}")


def read_pause(answer: httpx.Response, default: float) -> float:
    """Seconds to wait before the next request."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text) if text.isdigit() else default, LONGEST_PAUSE)


def describe_refusal(answer: httpx.Response) -> str:
    try:
        error = answer.json()["error"]
        return f"{answer.status_code} {error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
