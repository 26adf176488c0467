"""Which inputs the provider accepts, fills in and marks as secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto.provider_pb2 import CheckFailure

from rehearsal.stand_ins.provider import values
from rehearsal.stand_ins.provider.values import Properties

# Go type, as the provider's messages name it -> the Python type that arrives for it.
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
    """One input. kind: its Go type. record: the inputs inside it, if it is a struct in Go."""

    kind: str = "string"
    record: InputRecord | None = None
    required: bool = False
    secret: bool = False
    replaces: bool = False
    default: object = None


@dataclass(frozen=True, kw_only=True)
class InputRecord:
    """A Go struct of inputs, by the name in the provider's messages."""

    name: str
    fields: Mapping[str, InputField]


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
_LOCAL_ONLY = {
    "logging": InputField(kind="local.Logging"),
    "dir": InputField(),
    "interpreter": InputField(kind="[]string"),
    "assetPaths": InputField(kind="[]string"),
    "archivePaths": InputField(kind="[]string"),
}
COMMAND = InputRecord(name="remote.CommandInputs", fields={**_COMMON, **_TEXTS})
# From the provider's source (provider/pkg/provider/local/): tests/data/command-1.2.1 records no call of it.
LOCAL_COMMAND = InputRecord(
    name="local.CommandInputs",
    fields={
        **_TEXTS,
        **_LOCAL_ONLY,
        "triggers": _COMMON["triggers"],
    },
)
RUN = InputRecord(
    name="local.RunInputs",
    fields={
        **{name: _TEXTS[name] for name in ("stdin", "environment", "addPreviousOutputInEnv")},
        **_LOCAL_ONLY,
        "command": InputField(required=True),
    },
)
COPY_TO_REMOTE = InputRecord(
    name="remote.CopyToRemoteInputs",
    fields={**_COMMON, "source": InputField(kind="asset", required=True), "remotePath": InputField(required=True)},
)


def check_inputs(record: InputRecord, news: Properties) -> tuple[Properties, list[CheckFailure]]:
    """The inputs to use, and the refusals. Defaults are filled in only if nothing is refused."""
    failures = list(_check_fields(record, news))
    inputs = _mark_secrets(record, news)
    if failures:
        return inputs, failures
    inputs = _fill_in_defaults(record, inputs)
    if record is COPY_TO_REMOTE:
        failures = list(_check_source(inputs["source"]))
        inputs["source"] = values.complete_asset(inputs["source"])
    return inputs, failures


def _check_fields(record: InputRecord, given: Properties) -> Iterator[CheckFailure]:
    for name, field in record.fields.items():
        if field.required and given.get(name) is None:
            yield CheckFailure(property=name, reason=f"Missing required field '{name}' on '{record.name}'")
    for name, value in given.items():
        failure = _check_field(record, name, values.reveal(value))
        if failure is not None:
            yield failure


def _check_field(record: InputRecord, name: str, value: Any) -> CheckFailure | None:
    field = record.fields.get(name)
    if field is None:
        return CheckFailure(property=name, reason=f"Unrecognized field '{name}' on '{record.name}'")
    if value is None or value == values.UNKNOWN:
        return None
    if field.record:
        if isinstance(value, dict):
            return _check_record(record, name, value, field.record)
        return _refuse_type(record, name, field.record.name, value)
    if not isinstance(value, _ACCEPTED[field.kind]):
        return _refuse_type(record, name, field.kind, value)
    texts: dict[str, Any] = {}
    if field.kind == "map[string]string":
        texts = {f"{name}[{key}] value": values.reveal(item) for key, item in value.items()}
    elif field.kind == "[]string":
        texts = {f"{name}[{index}]": values.reveal(item) for index, item in enumerate(value)}
    wrong = (_refuse_type(record, path, "string", item) for path, item in texts.items() if not isinstance(item, str))
    return next(wrong, None)


def _refuse_type(record: InputRecord, name: str, wanted: str, value: Any) -> CheckFailure:
    got = _GOT.get(type(value), "nil")
    reason = f"Field '{name}' on '{record.name}' must be a '{wanted}'; got '{got}' instead"
    if isinstance(value, dict):
        no_struct = f"Cannot decode Object{{}} to type {wanted}; it isn't a struct, and no custom decoder exists"
        reason = f"An error occurred decoding '{_short_name(record)}.{name}': {no_struct}"
    return CheckFailure(property=name, reason=reason)


def _check_record(record: InputRecord, name: str, value: Properties, inner_record: InputRecord) -> CheckFailure | None:
    inner = list(_check_fields(inner_record, value))
    if not inner:
        return None
    lines = "".join(f"\n\t{failure.property}: {failure.reason}" for failure in inner)
    reason = f"An error occurred decoding '{_short_name(record)}.{name}': {len(inner)} failures decoding:{lines}"
    return CheckFailure(property=name, reason=reason)


def _short_name(record: InputRecord) -> str:
    return record.name.rpartition(".")[2]


def _mark_secrets(record: InputRecord, given: Properties) -> Properties:
    marked = {}
    for name, value in given.items():
        field = record.fields.get(name, InputField())
        inner = values.reveal(value)
        if field.record and isinstance(inner, dict):
            inner = _mark_secrets(field.record, inner)
        marked[name] = values.mark_secret(inner) if field.secret or values.is_secret(value) else inner
    return marked


def _fill_in_defaults(record: InputRecord, given: Properties) -> Properties:
    filled: Properties = {
        name: field.default for name, field in record.fields.items() if field.default is not None
    } | given
    for name, field in record.fields.items():
        if field.kind == "int" and isinstance(filled.get(name), float):
            filled[name] = float(int(filled[name]))
        if field.record is None or name not in given:
            continue
        inner = values.reveal(given[name])
        # The provider treats an unknown record as an empty one.
        known = {"host": ""} if inner == values.UNKNOWN else inner
        full = _fill_in_defaults(field.record, known)
        filled[name] = values.mark_secret(full) if values.is_secret(given[name]) else full
    return filled


def _check_source(source: Any) -> Iterator[CheckFailure]:
    source = values.reveal(source)
    if values.is_asset(source):
        if not source.get("path") and "text" not in source:
            yield CheckFailure(property="asset", reason="asset must be a path-based file asset or a text asset")
    elif values.is_archive(source):
        if not source.get("path"):
            yield CheckFailure(property="archive", reason="archive must be a path to a file or directory")
    else:
        # The provider answers this for a source that is still unknown in a preview, too.
        yield CheckFailure(property="asset", reason="either asset or archive must be set")
