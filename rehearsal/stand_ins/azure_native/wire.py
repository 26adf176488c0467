"""Property bags as the engine sends them: plain Python values here, marked values on the wire.

A secret is read as its plain value and its path is kept aside, so that rules see one kind of value and no secret is
lost on the way out. A value that is not known yet (a preview) is `UNKNOWN`, everywhere.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.struct_pb2 import NullValue, Struct, Value
from pulumi.runtime import rpc

Json = dict[str, Any]
Path = tuple[str | int, ...]

UNKNOWN = rpc.UNKNOWN
_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig


def read(bag: Struct) -> tuple[Json, frozenset[Path]]:
    """The plain values of a bag and the paths of its secrets; nulls are left out. ValueError for assets."""
    secrets: set[Path] = set()
    values = {key: _plain(value, (key,), secrets) for key, value in bag.fields.items() if not _is_null(value)}
    return values, frozenset(secrets)


def write(values: Mapping[str, Any], secrets: Iterable[Path] = ()) -> Struct:
    """A bag of these values; what stands at a path in `secrets` is marked as secret, the other paths are ignored."""
    marked = frozenset(secrets)
    bag = Struct()
    for key, value in values.items():
        if value is not None:
            bag.fields[key].CopyFrom(_marked(value, (key,), marked))
    return bag


def _is_null(value: Value) -> bool:
    return value.WhichOneof("kind") in (None, "null_value")


def _plain(value: Value, path: Path, secrets: set[Path]) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "list_value":
            return [_plain(item, (*path, index), secrets) for index, item in enumerate(value.list_value.values)]
        case "struct_value":
            return _plain_struct(value.struct_value, path, secrets)
        case _:
            return None


def _plain_struct(bag: Struct, path: Path, secrets: set[Path]) -> Any:
    if _SIGNATURE in bag.fields:
        if bag.fields[_SIGNATURE].string_value != _SECRET:
            raise ValueError(
                f"{'.'.join(map(str, path))}: assets, archives and references have no place in Azure resources"
            )
        secrets.add(path)
        return _plain(bag.fields["value"], path, secrets)
    return {key: _plain(item, (*path, key), secrets) for key, item in bag.fields.items() if not _is_null(item)}


def _marked(value: Any, path: Path, secrets: frozenset[Path]) -> Value:
    encoded = _encoded(value, path, secrets)
    if path not in secrets:
        return encoded
    secret = Struct()
    secret.fields[_SIGNATURE].string_value = _SECRET
    secret.fields["value"].CopyFrom(encoded)
    return Value(struct_value=secret)


def _encoded(value: Any, path: Path, secrets: frozenset[Path]) -> Value:
    match value:
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case list() | tuple():
            encoded = Value()
            encoded.list_value.values.extend(_marked(item, (*path, index), secrets) for index, item in enumerate(value))
            encoded.list_value.SetInParent()
            return encoded
        case Mapping():
            bag = Struct()
            for key, item in value.items():
                bag.fields[key].CopyFrom(_marked(item, (*path, key), secrets))
            return Value(struct_value=bag)
        case _:
            raise TypeError(f"{'.'.join(map(str, path))}: {type(value).__name__} cannot be sent to the engine")
