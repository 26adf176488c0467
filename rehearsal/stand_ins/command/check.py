"""What the provider accepts as inputs, what it fills in, and which it marks as secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.stand_ins.command import values
from rehearsal.stand_ins.command.values import Properties

# The names under which the provider's messages speak of types, and what arrives for each.
_ACCEPTED: dict[str, Any] = {
    "string": str,
    "bool": bool,
    "int": float,
    "float64": float,
    "slice": list,
    "map": dict,
    "asset": object,
}
_GOT = {str: "string", bool: "bool", float: "float64", list: "slice", dict: "map"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input: its type by the provider's name for it, or the record that it holds."""

    kind: str = "string"
    record: Record | None = None
    required: bool = False
    secret: bool = False
    replaces: bool = False
    default: object = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A set of inputs under the name that the provider's messages give it."""

    name: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an input is refused."""

    property: str
    reason: str


_ENDPOINT = {
    "host": Field(required=True),
    "port": Field(kind="float64", default=22.0),
    "user": Field(default="root"),
    "password": Field(secret=True),
    "privateKey": Field(secret=True),
    "privateKeyPassword": Field(secret=True),
    "agentSocketPath": Field(),
    "dialErrorLimit": Field(kind="int", default=10.0),
    "perDialTimeout": Field(kind="int", default=15.0),
    "hostKey": Field(),
}
_PROXY = Record(name="remote.ProxyConnection", fields=_ENDPOINT)
_CONNECTION = Record(name="remote.Connection", fields={**_ENDPOINT, "proxy": Field(record=_PROXY)})
_COMMON = {
    "connection": Field(record=_CONNECTION, required=True, secret=True),
    "triggers": Field(kind="slice", replaces=True),
}
_TEXTS = {
    "create": Field(),
    "update": Field(),
    "delete": Field(),
    "stdin": Field(),
    "logging": Field(),
    "environment": Field(kind="map"),
    "addPreviousOutputInEnv": Field(kind="bool"),
}
COMMAND = Record(name="remote.CommandInputs", fields={**_COMMON, **_TEXTS})
# From the provider's source (provider/pkg/provider/local/); it has no recorded calls as the others have.
LOCAL_COMMAND = Record(
    name="local.CommandInputs",
    fields={
        **_TEXTS,
        "triggers": _COMMON["triggers"],
        "dir": Field(),
        "interpreter": Field(kind="slice"),
        "assetPaths": Field(kind="slice"),
        "archivePaths": Field(kind="slice"),
    },
)
COPY_TO_REMOTE = Record(
    name="remote.CopyToRemoteInputs",
    fields={**_COMMON, "source": Field(kind="asset", required=True), "remotePath": Field(required=True)},
)


def check(record: Record, news: Properties) -> tuple[Properties, list[Failure]]:
    """The inputs to use, and why they are refused if they are: defaults are filled in only where nothing is refused."""
    failures = list(_failures(record, news))
    inputs = _with_secrets(record, news)
    if failures:
        return inputs, failures
    inputs = _with_defaults(record, inputs)
    if record is COPY_TO_REMOTE:
        failures = list(_source_failures(inputs["source"]))
        inputs["source"] = values.whole(inputs["source"])
    return inputs, failures


def _failures(record: Record, given: Properties) -> Iterator[Failure]:
    for name, field in record.fields.items():
        if field.required and given.get(name) is None:
            yield Failure(property=name, reason=f"Missing required field '{name}' on '{record.name}'")
    for name, value in given.items():
        reason = _reason(record, name, values.revealed(value))
        if reason is not None:
            yield Failure(property=name, reason=reason)


def _reason(record: Record, name: str, value: Any) -> str | None:
    field = record.fields.get(name)
    if field is None:
        return f"Unrecognized field '{name}' on '{record.name}'"
    if value is None or value == values.UNKNOWN:
        return None
    if not isinstance(value, _ACCEPTED["map" if field.record else field.kind]):
        got = _GOT[type(value)]
        return f"Field '{name}' on '{record.name}' must be a '{field.kind}'; got '{got}' instead"
    return _reason_inside(record, name, value, field.record) if field.record else None


def _reason_inside(record: Record, name: str, value: Properties, inner_record: Record) -> str | None:
    inner = list(_failures(inner_record, value))
    if not inner:
        return None
    lines = "".join(f"\n\t{failure.property}: {failure.reason}" for failure in inner)
    outer = record.name.removeprefix("remote.")
    return f"An error occurred decoding '{outer}.{name}': {len(inner)} failures decoding:{lines}"


def _with_secrets(record: Record, given: Properties) -> Properties:
    marked = {}
    for name, value in given.items():
        field = record.fields.get(name, Field())
        inner = values.revealed(value)
        if field.record and isinstance(inner, dict):
            inner = _with_secrets(field.record, inner)
        marked[name] = values.secret(inner) if field.secret or values.is_secret(value) else inner
    return marked


def _with_defaults(record: Record, given: Properties) -> Properties:
    filled = {name: field.default for name, field in record.fields.items() if field.default is not None} | given
    for name, field in record.fields.items():
        if field.record is None or name not in given:
            continue
        inner = values.revealed(given[name])
        # A record that is wholly unknown becomes the empty one: the provider forgets that it was unknown.
        known = {"host": ""} if inner == values.UNKNOWN else inner
        full = _with_defaults(field.record, known)
        filled[name] = values.secret(full) if values.is_secret(given[name]) else full
    return filled


def _source_failures(source: Any) -> Iterator[Failure]:
    source = values.revealed(source)
    if values.is_asset(source):
        if not source.get("path") and "text" not in source:
            yield Failure(property="asset", reason="asset must be a path-based file asset or a text asset")
    elif values.is_archive(source):
        if not source.get("path"):
            yield Failure(property="archive", reason="archive must be a path to a file or directory")
    else:
        # Also said of a source that is still unknown in a preview.
        yield Failure(property="asset", reason="either asset or archive must be set")
