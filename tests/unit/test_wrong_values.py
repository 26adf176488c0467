"""Forty values in every key of a stack file in turn: each wrong one is a problem of its key, never a traceback."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

import pytest
from jsonschema import Draft202012Validator

from components.args import FarmArgs
from stacks import arguments, schema
from stacks.problems import Problem
from stacks.reading import keys_of, unwrap_optional
from tests.unit.good_stack_file import GOOD, HOST_KEY

pytestmark = pytest.mark.unit

Path = tuple[str | int, ...]

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 65536, 2**70, 0.5, 1e300),
    *(
        "",
        " ",
        "x",
        "ä",
        "a" * 600,
        "line\nbreak",
        "true",
        "null",
        "0",
        "-1",
        "1e3",
        "10.0.0.1",
        "10.0.0.1/24",
        "0.0.0.0/0",
    ),
    *("999.1.1.1", "https://", "https://x", "http://a.com/owa", "ssh-ed25519 AAAA", "/subscriptions/x", "\\", "CORP\\"),
    *("2026-01-02 00:00:00 +0000 UTC", "{", "\x00"),
    *([], [None], [[]], ["x"], {}, {"x": None}, {"secure": "v1:x"}, {"": ""}, {"x": {"y": []}}),
]
# A file with every row, so that each key can be set.
FULL: dict[str, Any] = {
    **GOOD,
    "servers": {
        "ex01": {**GOOD["servers"]["ex01"], "publicAddress": True},
        "ex02": {**GOOD["servers"]["ex02"], "publicAddress": True},
        "ex03": {"computerName": "EX03", "address": "10.9.0.1", "existing": True, "hostKey": HOST_KEY}
        | {"externalAddress": "198.51.100.3"},
    },
    "namespace": {"domain": "mail-domain.com", "services": {}},
    "dns": {"private": {"linkedNetworks": []}, "public": {}},
    "ssh": {"jumpHost": {"host": "jump", "user": "me", "hostKey": HOST_KEY}},
    "jumpHostPassword": "not-shown-3",
    "domain": {"name": "corp.mail-domain.com", "account": "CORP\\joiner"},
    "domainPassword": "not-shown-4",
    "network": {"dnsServers": ["10.40.1.4"]},
    "installation": {"media": {"path": "D:\\Exchange.iso"}},
    "certificate": {"thumbprint": "A" * 40},
    "autoShutdown": {},
    "tags": {"owner": "me"},
}


def list_places(row: type, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each key's path, and the schema of its value."""
    for name, (_, hint, key) in keys_of(row).items():
        kind, here = unwrap_optional(hint) or hint, (*path, name)
        # These four are rows of the same kind as owa; an existing server has no data disks in the stack.
        alike = name in ("ecp", "ews", "oab", "activesync")
        if name in arguments.SECRETS or alike or here[-2:] == ("ex03", "dataDisks"):
            continue
        own = schema.describe_value(hint, key)
        yield here, own
        if is_dataclass(kind):
            yield from list_places(kind, here)  # type: ignore[arg-type]
        elif get_origin(kind) is tuple:
            yield (*here, 0), own["items"]
        elif name == "servers":
            for server in ("ex01", "ex03"):
                yield (*here, server), own["additionalProperties"]
                yield from list_places(get_args(kind)[1], (*here, server))
        elif name == "tags":
            yield (*here, "owner"), own["additionalProperties"]


PLACES = dict(list_places(FarmArgs, ()))


def file_with(path: Path, value: Any) -> dict[str, Any]:
    content: Any = copy.deepcopy(FULL)
    whole = content
    for step in path[:-2] if path[-1] == 0 else path[:-1]:
        content = content.setdefault(step, {})
    if path[-1] == 0:
        content[path[-2]] = [value]
    else:
        content[path[-1]] = value
    return dict(whole)


def format_path(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def list_problems(content: dict[str, Any]) -> list[Problem]:
    try:
        arguments.read_arguments(content, location="westeurope")
    except arguments.InvalidStackFileError as error:
        return error.problems
    return []


def as_pulumi_passes(value: Any, own: dict[str, Any]) -> Any:
    """Pulumi passes numbers and truth values at the top level as texts, which are correct."""
    kinds = own.get("type", ())
    if value in ("true", "false") and "boolean" in kinds:
        return value == "true"
    return int(value) if "integer" in kinds and isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value) else value


def test_the_file_has_no_problem_before_a_value_is_changed() -> None:
    assert list_problems(FULL) == []
    assert len(VALUES) >= 40
    assert len(PLACES) > 100


@pytest.mark.parametrize("path", PLACES, ids=format_path)
def test_a_wrong_value_is_a_problem_of_its_key_and_never_a_traceback(path: Path) -> None:
    editor = Draft202012Validator(PLACES[path])
    marked, accepted, elsewhere = 0, [], []
    for value in VALUES:
        found = list_problems(file_with(path, value))
        if editor.is_valid(as_pulumi_passes(value, PLACES[path])):
            continue
        marked += 1
        if not found:
            accepted.append(value)
        elsewhere += [(value, problem.key) for problem in found if not problem.key.startswith(format_path(path))]
        assert "not-shown" not in str(found)
    assert marked > 15
    assert accepted == [], "the program refuses what an editor marks as wrong"
    assert elsewhere == [], "a value that cannot be read causes no problem of another key"
