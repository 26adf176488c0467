"""A good stack file, edits that break it, and the problems found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from components.args import FarmArgs
from stacks import arguments
from stacks.problems import Problem

Edit = Callable[[dict[str, Any]], None]
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrm7nP0iC8Qx9kYVtN2J3Yb7wqkM0u3cJ5y2h1Zt4Fa"
NETWORK = "/subscriptions/s/resourceGroups/{}/providers/Microsoft.Network/virtualNetworks/{}"
GOOD: dict[str, Any] = {
    "namespace": {"domain": "mail-domain.com"},
    "servers": {
        "ex01": {"computerName": "EX01", "address": "10.40.0.11"},
        "ex02": {"computerName": "EX02", "address": "10.40.0.12"},
    },
    "operator": "CORP\\operator",
    "operatorPassword": "not-shown-1",
    "adminPassword": "not-shown-2",
}


def read_good(**changes: Any) -> FarmArgs:
    """The arguments of the good file with these keys changed."""
    return arguments.read_arguments({**copy.deepcopy(GOOD), **changes}, location="westeurope")


def find_problems(edit: Edit, *, location: str | None = "westeurope") -> dict[str, Problem]:
    """Key -> problem."""
    values = copy.deepcopy(GOOD)
    edit(values)
    try:
        arguments.read_arguments(values, location=location)
    except arguments.InvalidStackFileError as error:
        return {problem.key: problem for problem in error.problems}
    return {}


def assert_problem(edit: Edit, key: str, remedy: str) -> None:
    found = find_problems(edit)
    assert key in found, f"found only {sorted(found)}"
    assert remedy in found[key].remedy


def change_server(name: str, **changes: Any) -> Edit:
    return lambda values: values["servers"][name].update(changes)


def change_keys(**changes: Any) -> Edit:
    return lambda values: values.update(changes)


def change_service(name: str, **keys: Any) -> Edit:
    return change_keys(namespace={"domain": "mail-domain.com", "services": {name: keys}})
