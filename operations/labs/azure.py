"""Azure Resource Manager, asked with the sign-in of the provider: what a resource group holds, and its deletion; the
private zones of a name, and the networks that they are linked to.

A state can have lost sight of what was made; only Azure knows. azure-native has no function that lists any of these.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import httpx

from operations.stack import StackError

API = {"api-version": "2021-04-01"}
PRIVATE_DNS_API = {"api-version": "2024-06-01"}
ZONES = ("Microsoft.Network/dnsZones", "Microsoft.Network/privateDnsZones")
# Where each Azure is managed; a key of azure-native:environment.
ENDPOINTS = {
    "public": "https://management.azure.com",
    "usgovernment": "https://management.usgovcloudapi.net",
    "china": "https://management.chinacloudapi.cn",
}
# Keys of azure-native that say which Azure, none of them secret.
SIGN_IN = ("subscriptionId", "tenantId", "clientId", "environment", "useOidc", "useMsi", "metadataHost")
SECONDS, TRIES, MOST_WAIT = 60, 6, 30
# A resource group with virtual machines takes minutes to go.
DELETION_SECONDS = 3600


class Azure:
    """One subscription. Use it as a context manager; every call raises StackError where Azure cannot be asked."""

    def __init__(self, endpoint: str, subscription: str, token: str) -> None:
        self._root = f"/subscriptions/{subscription}"
        self._client = httpx.Client(base_url=endpoint, headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS)

    def __enter__(self) -> Azure:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def group_tags(self, group: str) -> dict[str, str] | None:
        """The resource group's tags, None where there is none of this name."""
        answer = self._ask("GET", f"{self._root}/resourcegroups/{group}", missing=True)
        return dict(answer.json().get("tags") or {}) if answer.is_success else None

    def zones(self, group: str) -> dict[str, dict[str, str]]:
        """Id -> tags of the DNS zones in the resource group."""
        wanted = " or ".join(f"resourceType eq '{type}'" for type in ZONES)
        found = self._every(f"{self._root}/resourcegroups/{group}/resources", {"$filter": wanted})
        return {str(row["id"]): dict(row.get("tags") or {}) for row in found}

    def private_zones(self, name: str) -> list[str]:
        """The ids of the subscription's private zones of this name, in whatever resource group."""
        found = self._every(f"{self._root}/providers/Microsoft.Network/privateDnsZones", PRIVATE_DNS_API)
        return [str(row["id"]) for row in found if str(row["name"]).lower() == name.lower()]

    def linked_networks(self, zone: str) -> dict[str, str]:
        """Id of each of a private zone's links -> id of the virtual network; `zone` is an id."""
        found = self._every(f"{zone}/virtualNetworkLinks", PRIVATE_DNS_API)
        return {str(row["id"]): str(row["properties"]["virtualNetwork"]["id"]) for row in found}

    def delete_group(self, group: str) -> None:
        """Deletes the resource group with all that is in it, and returns when it is gone."""
        path = f"{self._root}/resourcegroups/{group}"
        answer = self._ask("DELETE", path, missing=True)
        end = time.monotonic() + DELETION_SECONDS
        while answer.status_code == httpx.codes.ACCEPTED and time.monotonic() < end:
            time.sleep(pause(answer, 5))
            answer = self._ask("GET", answer.headers["Location"], missing=True)
        if self.group_tags(group) is not None:
            raise StackError(
                f"Azure: the resource group {group} is still there {DELETION_SECONDS} s after its deletion."
            )

    def _every(self, path: str, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        answer = self._ask("GET", path, params=params, missing=True)
        while answer.is_success:
            found = answer.json()
            yield from found["value"]
            if not found.get("nextLink"):
                return
            answer = self._ask("GET", found["nextLink"])

    def _ask(self, method: str, path: str, *, missing: bool = False, **request: Any) -> httpx.Response:
        """`missing`: what is not there is an answer. An address that Azure gave is asked as it is."""
        if path.startswith(self._root):
            request["params"] = {**API, **request.get("params", {})}
        for tried in range(1, TRIES + 1):
            try:
                answer = self._client.request(method, path, **request)
            except httpx.HTTPError as error:
                reason, wait = f"{type(error).__name__}: {error}", float(tried)
            else:
                if answer.is_success or (missing and answer.status_code == httpx.codes.NOT_FOUND):
                    return answer
                reason, wait = said(answer), pause(answer, tried)
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and answer.status_code < 500:
                    break
            if tried < TRIES:
                time.sleep(wait)
        raise StackError(f"Azure: {method} {path}: {reason}")


def pause(answer: httpx.Response, otherwise: float) -> float:
    told = answer.headers.get("Retry-After", "")
    return min(float(told) if told.isdigit() else otherwise, MOST_WAIT)


def said(answer: httpx.Response) -> str:
    try:
        error = answer.json()["error"]
        return f"{answer.status_code} {error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"


def sign_in(provider: Mapping[str, str], environment: Mapping[str, str]) -> Azure:
    """As azure-native signs in, with its keys in `provider`. Raises StackError where it cannot.

    The token stays in this process: a program of three lines is run in it, in a stack that is thrown away.
    """
    import pulumi
    import pulumi_azure_native as azure
    from pulumi import automation

    found: dict[str, str] = {}

    def program() -> None:
        found["subscription"] = azure.authorization.get_client_config().subscription_id
        found["token"] = azure.authorization.get_client_token().token

    with TemporaryDirectory() as folder:
        options = automation.LocalWorkspaceOptions(
            work_dir=folder,
            env_vars={
                **environment,
                "PULUMI_BACKEND_URL": Path(folder).as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(),
            },
            project_settings=automation.ProjectSettings("sign-in", automation.ProjectRuntimeInfo("python")),
            stack_settings={
                "look": automation.StackSettings(
                    config={f"azure-native:{key}": provider[key] for key in SIGN_IN if key in provider}
                )
            },
        )
        try:
            automation.create_stack("look", project_name="sign-in", program=program, opts=options).preview()
        except (automation.CommandError, pulumi.RunError, FileNotFoundError) as error:
            raise StackError(f"Azure: azure-native could not sign in: {essence(str(error))}") from None
    endpoint = environment.get("LAB_RESOURCE_MANAGER") or ENDPOINTS[where(provider, environment)]
    return Azure(endpoint, found["subscription"], found["token"])


def where(provider: Mapping[str, str], environment: Mapping[str, str]) -> str:
    name = (provider.get("environment") or environment.get("ARM_ENVIRONMENT") or "public").lower()
    if name not in ENDPOINTS:
        raise StackError(f"azure-native:environment = {name!r}: choose one of {', '.join(ENDPOINTS)}.")
    return name


def essence(text: str) -> str:
    """The lines that say what is wrong, of all that the engine printed."""
    lines = [line.partition("error:")[2].strip() for line in text.splitlines() if "error:" in line]
    return " ".join(dict.fromkeys(filter(None, lines))) or text.strip()[-200:]
