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
    "remote.Logging": str,
    "local.Logging": str,
    "bool": bool,
    "int": float,
    "float64": float,
    "[]interface {}": list,
    "[]string": list,
    "map[string]string": dict,
    "asset": object,
}
_GOT = {str: "string", bool: "bool", float: "float64", list: "[]interface {}"}


@dataclass(frozen=True, kw_only=True)
class InputField:
    """One input: its type by the name that Go has for it, or the record that it holds."""

    kind: str = "string"
    record: InputRecord | None = None
    required: bool = False
    secret: bool = False
    replaces: bool = False
    default: object = None


@dataclass(frozen=True, kw_only=True)
class InputRecord:
    """A set of inputs under the name that the provider's messages give it."""

    name: str
    fields: Mapping[str, InputField]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an input is refused."""

    property: str
    reason: str


_ENDPOINT = {
    "host": InputField(required=True),
    "port": InputField(kind="float64", default=22.0),
    "user": InputField(default="root"),
    "password": InputField(secret=True),
    "privateKey": InputField(secret=True),
    "privateKeyPassword": InputField(secret=True),
    "agentSocketPath": InputField(),
    "dialErrorLimit": InputField(kind="int", default=10.0),
    "perDialTimeout": InputField(kind="int", default=15.0),
    "hostKey": InputField(),
}
_PROXY = InputRecord(name="remote.ProxyConnection", fields=_ENDPOINT)
_CONNECTION = InputRecord(name="remote.Connection", fields={**_ENDPOINT, "proxy": InputField(record=_PROXY)})
_COMMON = {
    "connection": InputField(record=_CONNECTION, required=True, secret=True),
    "triggers": InputField(kind="[]interface {}", replaces=True),
}
_TEXTS = {
    "create": InputField(),
    "update": InputField(),
    "delete": InputField(),
    "stdin": InputField(),
    "logging": InputField(kind="remote.Logging"),
    "environment": InputField(kind="map[string]string"),
    "addPreviousOutputInEnv": InputField(kind="bool"),
}
_HERE = {
    "logging": InputField(kind="local.Logging"),
    "dir": InputField(),
    "interpreter": InputField(kind="[]string"),
    "assetPaths": InputField(kind="[]string"),
    "archivePaths": InputField(kind="[]string"),
}
COMMAND = InputRecord(name="remote.CommandInputs", fields={**_COMMON, **_TEXTS})
# From the provider's source (provider/pkg/provider/local/); it has no recorded calls as the others have.
LOCAL_COMMAND = InputRecord(
    name="local.CommandInputs",
    fields={
        **_TEXTS,
        **_HERE,
        "triggers": _COMMON["triggers"],
    },
)
RUN = InputRecord(
    name="local.RunInputs",
    fields={
        **{name: _TEXTS[name] for name in ("stdin", "environment", "addPreviousOutputInEnv")},
        **_HERE,
        "command": InputField(required=True),
    },
)
COPY_TO_REMOTE = InputRecord(
    name="remote.CopyToRemoteInputs",
    fields={**_COMMON, "source": InputField(kind="asset", required=True), "remotePath": InputField(required=True)},
)


def check(record: InputRecord, news: Properties) -> tuple[Properties, list[Failure]]:
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


def _failures(record: InputRecord, given: Properties) -> Iterator[Failure]:
    for name, field in record.fields.items():
        if field.required and given.get(name) is None:
            yield Failure(property=name, reason=f"Missing required field '{name}' on '{record.name}'")
    for name, value in given.items():
        failure = _failure(record, name, values.revealed(value))
        if failure is not None:
            yield failure


def _failure(record: InputRecord, name: str, value: Any) -> Failure | None:
    field = record.fields.get(name)
    if field is None:
        return Failure(property=name, reason=f"Unrecognized field '{name}' on '{record.name}'")
    if value is None or value == values.UNKNOWN:
        return None
    if field.record:
        if isinstance(value, dict):
            return _failure_inside(record, name, value, field.record)
        return _wrong_type(record, name, field.record.name, value)
    if not isinstance(value, _ACCEPTED[field.kind]):
        return _wrong_type(record, name, field.kind, value)
    texts: dict[str, Any] = {}
    if field.kind == "map[string]string":
        texts = {f"{name}[{key}] value": values.revealed(item) for key, item in value.items()}
    elif field.kind == "[]string":
        texts = {f"{name}[{index}]": values.revealed(item) for index, item in enumerate(value)}
    wrong = (_wrong_type(record, path, "string", item) for path, item in texts.items() if not isinstance(item, str))
    return next(wrong, None)


def _wrong_type(record: InputRecord, name: str, wanted: str, value: Any) -> Failure:
    got = _GOT.get(type(value), "nil")
    reason = f"Field '{name}' on '{record.name}' must be a '{wanted}'; got '{got}' instead"
    if isinstance(value, dict):
        no_struct = f"Cannot decode Object{{}} to type {wanted}; it isn't a struct, and no custom decoder exists"
        reason = f"An error occurred decoding '{_short(record)}.{name}': {no_struct}"
    return Failure(property=name, reason=reason)


def _failure_inside(record: InputRecord, name: str, value: Properties, inner_record: InputRecord) -> Failure | None:
    inner = list(_failures(inner_record, value))
    if not inner:
        return None
    lines = "".join(f"\n\t{failure.property}: {failure.reason}" for failure in inner)
    reason = f"An error occurred decoding '{_short(record)}.{name}': {len(inner)} failures decoding:{lines}"
    return Failure(property=name, reason=reason)


def _short(record: InputRecord) -> str:
    return record.name.rpartition(".")[2]


def _with_secrets(record: InputRecord, given: Properties) -> Properties:
    marked = {}
    for name, value in given.items():
        field = record.fields.get(name, InputField())
        inner = values.revealed(value)
        if field.record and isinstance(inner, dict):
            inner = _with_secrets(field.record, inner)
        marked[name] = values.secret(inner) if field.secret or values.is_secret(value) else inner
    return marked


def _with_defaults(record: InputRecord, given: Properties) -> Properties:
    filled: Properties = {
        name: field.default for name, field in record.fields.items() if field.default is not None
    } | given
    for name, field in record.fields.items():
        if field.kind == "int" and isinstance(filled.get(name), float):
            filled[name] = float(int(filled[name]))
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
