"""Property values as the engine sends them: JSON in which secrets, assets and archives are marked objects.

The SDK's own `pulumi.provider.experimental.PropertyValue` loses the hash of an asset, by which providers compare it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

Properties = dict[str, Any]
Path = tuple[str | int, ...]

UNKNOWN: str = rpc.UNKNOWN
_MARK: str = rpc._special_sig_key
_SECRET: str = rpc._special_secret_sig
_ASSET: str = rpc._special_asset_sig
_ARCHIVE: str = rpc._special_archive_sig
_OUTPUT: str = rpc._special_output_value_sig


def read_struct(struct: struct_pb2.Struct) -> Properties:
    """Without nulls, which providers drop; an output becomes its value, marked as secret if it is one."""
    return _drop_nulls(json_format.MessageToDict(struct))


def read_plain_values(struct: struct_pb2.Struct) -> tuple[Properties, frozenset[Path]]:
    """The values without marks, whole numbers as int, and the paths of the secrets. ValueError for assets."""
    secrets: set[Path] = set()
    return {key: _unmark(value, (key,), secrets) for key, value in read_struct(struct).items()}, frozenset(secrets)


def write_struct(properties: Mapping[str, Any], secrets: Collection[Path] = ()) -> struct_pb2.Struct:
    """Without nulls at the top; a value at a path in `secrets` is marked as secret, other paths are ignored.

    Raises json_format.ParseError for a value that JSON does not have.
    """
    marked = {key: _mark(value, (key,), secrets) for key, value in properties.items() if value is not None}
    return json_format.ParseDict(marked, struct_pb2.Struct())


def is_secret(value: Any) -> bool:
    return _has_mark(value, _SECRET)


def is_asset(value: Any) -> bool:
    return _has_mark(value, _ASSET)


def is_archive(value: Any) -> bool:
    return _has_mark(value, _ARCHIVE)


def is_marked(value: Any) -> bool:
    """True for a secret, an asset or an archive: objects that are one value, not a set of properties."""
    return isinstance(value, dict) and _MARK in value


def are_equal(old: Any, new: Any) -> bool:
    """Compares assets and archives by their hashes, not by where they are read from."""
    for is_kind in (is_asset, is_archive):
        if is_kind(old) and is_kind(new) and old.get("hash") and new.get("hash"):
            return bool(old["hash"] == new["hash"])
    return bool(old == new)


def complete_asset(value: Any) -> Any:
    """An asset or archive with all keys that providers know; any other value unchanged."""
    if is_asset(value):
        return {"path": "", "text": "", "uri": "", **value}
    if is_archive(value):
        return {"assets": {}, "path": "", "uri": "", **value}
    return value


def mark_secret(value: Any) -> Any:
    """The value marked as secret, once."""
    return value if is_secret(value) else {_MARK: _SECRET, "value": value}


def reveal(value: Any) -> Any:
    """The value without its outermost secret mark."""
    return value["value"] if is_secret(value) else value


def reveal_all(value: Any) -> Any:
    """The value without secret marks, at any depth."""
    value = reveal(value)
    if isinstance(value, dict):
        return {key: reveal_all(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [reveal_all(inner) for inner in value]
    return value


def _has_mark(value: Any, mark: str) -> bool:
    return isinstance(value, dict) and value.get(_MARK) == mark


def _drop_nulls(properties: Properties) -> Properties:
    settled = {name: _settle(value) for name, value in properties.items()}
    return {name: value for name, value in settled.items() if value is not None}


def _settle(value: Any) -> Any:
    if _has_mark(value, _OUTPUT):
        inner = _settle(value.get("value", UNKNOWN))
        return mark_secret(inner) if value.get("secret") and inner is not None else inner
    if is_secret(value):
        inner = _settle(value["value"])
        return None if inner is None else mark_secret(inner)
    if isinstance(value, dict):
        return _drop_nulls(value)
    if isinstance(value, list):
        return [_settle(item) for item in value]
    return value


def _unmark(value: Any, path: Path, secrets: set[Path]) -> Any:
    if is_secret(value):
        secrets.add(path)
        return _unmark(value["value"], path, secrets)
    if is_marked(value):
        raise ValueError(f"{'.'.join(map(str, path))}: assets, archives and references are not allowed here")
    if isinstance(value, dict):
        return {key: _unmark(item, (*path, key), secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmark(item, (*path, index), secrets) for index, item in enumerate(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _mark(value: Any, path: Path, secrets: Collection[Path]) -> Any:
    if isinstance(value, Mapping):
        value = {key: _mark(item, (*path, key), secrets) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        value = [_mark(item, (*path, index), secrets) for index, item in enumerate(value)]
    return mark_secret(value) if path in secrets else value
