"""Looks up in Azure each resource that the stack would create, and what conflicts with it.

Reads `questions.json` (URN -> question, see operations.adopt.questions) in the folder EXCHANGE_CAS_LOOK. Writes
`answers.json`: URN -> `id` (null where Azure has no such resource) or `error`, and `conflicts`.
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

from operations.adopt.azure_program.conflicts import ZONE_OF, ZoneLinks, find_taken_address, find_zone_conflicts

FOLDER = "EXCHANGE_CAS_LOOK"
GONE = re.compile(r"\b404\b|NotFound")
WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def look_up(type_token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`id`: None where Azure has no such resource. `error` in its place where Azure refuses."""
    try:
        found = call_getter(type_token, inputs)
    except Exception as error:  # noqa: BLE001 (the SDK raises nothing more special)
        return {"error": str(error)}
    return {"id": found and found.id}


def call_getter(type_token: str, inputs: Mapping[str, Any]) -> Any:
    """The answer of azure-native's `get_…` function, None where Azure has no such resource."""
    _, module, name = type_token.split(":")
    getter = getattr(import_module(f"pulumi_azure_native.{module}"), getter_name(name))
    # A getter's arguments are the parts of the resource's path, under the names of its inputs.
    values = {part: inputs.get(input_name(part)) for part in inspect.signature(getter).parameters}
    arguments = {part: value for part, value in values.items() if value is not None}
    try:
        return getter(**arguments)
    except Exception as error:
        if GONE.search(str(error)):
            return None
        raise


def getter_name(type_name: str) -> str:
    return f"get_{WORD_STARTS.sub('_', type_name).lower()}"


def input_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


class SignedInAccount:
    """The subscriptions that azure-native's account reads."""

    @property
    def subscription_id(self) -> str:
        return str(read_client_config().subscription_id)

    @cache  # noqa: B019 (one account in a process)
    def subscription(self, id: str) -> ZoneLinks:
        import pulumi
        from pulumi_azure_native import authorization

        from operations.azure.resource_manager import ResourceManagerClient
        from operations.azure.sign_in import choose_cloud, manager_url

        cloud = pulumi.Config("azure-native").get("environment") or os.environ.get("ARM_ENVIRONMENT", "")
        endpoint = manager_url(choose_cloud(cloud), os.environ)
        # The token stays in this process.
        return ResourceManagerClient(endpoint, id, lambda: str(authorization.get_client_token().token))


@cache
def read_client_config() -> Any:
    from pulumi_azure_native import authorization

    return authorization.get_client_config()


def answer_question(question: Mapping[str, Any], account: SignedInAccount) -> dict[str, Any]:
    answer = look_up(question["type"], question["inputs"]) if question["create"] and question["path"] else {}
    try:
        if question["type"] in ZONE_OF:
            answer["conflicts"] = list(find_zone_conflicts(question, look_up, account))
        elif question.get("subnet"):
            answer["conflicts"] = list(find_taken_address(question, call_getter))
    except Exception as error:  # noqa: BLE001 (one refusal must not end the other look-ups)
        answer.setdefault("error", str(error))
    return answer


if __name__ == "__main__":
    folder = Path(os.environ[FOLDER])
    questions = json.loads((folder / "questions.json").read_text(encoding="utf-8"))
    account = SignedInAccount()
    answers = {urn: answer_question(question, account) for urn, question in questions.items()}
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
