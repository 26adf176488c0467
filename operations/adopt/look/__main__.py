"""Asks Azure, as azure-native signs in, for each thing that the stack would create and for what is in its way.

`wanted.json` in the folder: URN -> what questions.wanted makes. `found.json`: URN -> id (null: not there) or error, and
conflicts. The token stays in this process.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from operations.adopt.look.conflicts import ZONE_OF, Subscription, address_taken, conflicts

FOLDER = "EXCHANGE_CAS_LOOK"
GONE = re.compile(r"\b404\b|NotFound")
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def look(type_token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The ARM id under `id`, None where Azure has no such thing; `error` where Azure would not say."""
    try:
        found = read(type_token, inputs)
    except Exception as error:  # noqa: BLE001 (the SDK raises nothing more special)
        return {"error": str(error)}
    return {"id": found and found.id}


def read(type_token: str, inputs: Mapping[str, Any]) -> Any:
    """What azure-native's getter tells, None where Azure has no such thing."""
    _, module, name = type_token.split(":")
    getter = getattr(import_module(f"pulumi_azure_native.{module}"), f"get_{WORDS.sub('_', name).lower()}")
    # A getter's arguments are the path of a thing, under the names that its inputs have.
    given = {part: inputs.get(camel(part)) for part in inspect.signature(getter).parameters}
    arguments = {part: value for part, value in given.items() if value is not None}
    try:
        return getter(**arguments)
    except Exception as error:
        if GONE.search(str(error)):
            return None
        raise


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


class SignedIn:
    """The subscriptions that the account of azure-native sees."""

    @property
    def own(self) -> str:
        return str(config().subscription_id)

    @cache  # noqa: B019 (one a process)
    def __call__(self, subscription: str) -> Subscription:
        import pulumi
        from pulumi_azure_native import authorization

        from operations.azure.resource_manager import ResourceManagerClient
        from operations.azure.sign_in import choose_cloud, manager_url

        name = pulumi.Config("azure-native").get("environment") or os.environ.get("ARM_ENVIRONMENT", "")
        endpoint = manager_url(choose_cloud(name), os.environ)
        return ResourceManagerClient(endpoint, subscription, authorization.get_client_token().token)


@cache
def config() -> Any:
    from pulumi_azure_native import authorization

    return authorization.get_client_config()


def found_of(one: Mapping[str, Any], azure: SignedIn) -> dict[str, Any]:
    found = look(one["type"], one["inputs"]) if one["create"] and one["path"] else {}
    try:
        if one["type"] in ZONE_OF:
            found["conflicts"] = list(conflicts(one, look, azure))
        elif one.get("subnet"):
            found["conflicts"] = list(address_taken(one, read))
    except Exception as error:  # noqa: BLE001 (what could not be asked is said, and the rest is looked at)
        found.setdefault("error", str(error))
    return found


if __name__ == "__main__":
    folder = Path(os.environ[FOLDER])
    wanted = json.loads((folder / "wanted.json").read_text(encoding="utf-8"))
    signed_in = SignedIn()
    found = {urn: found_of(one, signed_in) for urn, one in wanted.items()}
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
