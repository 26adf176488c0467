"""Property values as the engine writes them: plain JSON, with secrets, assets and archives as marked objects."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

Properties = dict[str, Any]

UNKNOWN: str = rpc.UNKNOWN
_MARK: str = rpc._special_sig_key
_SECRET: str = rpc._special_secret_sig
_ASSET: str = rpc._special_asset_sig
_ARCHIVE: str = rpc._special_archive_sig
_OUTPUT: str = rpc._special_output_value_sig


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Without nulls, which the provider drops; an output is its value, marked as secret where it is one."""
    return _without_nulls(json_format.MessageToDict(struct))


def _without_nulls(properties: Properties) -> Properties:
    settled = {name: _settled(value) for name, value in properties.items()}
    return {name: value for name, value in settled.items() if value is not None}


def _settled(value: Any) -> Any:
    if _has_mark(value, _OUTPUT):
        inner = _settled(value.get("value", UNKNOWN))
        return secret(inner) if value.get("secret") and inner is not None else inner
    if is_secret(value):
        inner = _settled(value["value"])
        return None if inner is None else secret(inner)
    if isinstance(value, dict):
        return _without_nulls(value)
    if isinstance(value, list):
        return [_settled(item) for item in value]
    return value


def to_struct(properties: Properties) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def _has_mark(value: Any, mark: str) -> bool:
    return isinstance(value, dict) and value.get(_MARK) == mark


def is_secret(value: Any) -> bool:
    return _has_mark(value, _SECRET)


def is_asset(value: Any) -> bool:
    return _has_mark(value, _ASSET)


def is_archive(value: Any) -> bool:
    return _has_mark(value, _ARCHIVE)


def is_marked(value: Any) -> bool:
    """True for a secret, an asset or an archive: objects that are one value, not a set of properties."""
    return isinstance(value, dict) and _MARK in value


def equal(one: Any, other: Any) -> bool:
    """Assets and archives are equal by their hashes, wherever they are read from."""
    for kind in (is_asset, is_archive):
        if kind(one) and kind(other) and one.get("hash") and other.get("hash"):
            return bool(one["hash"] == other["hash"])
    return bool(one == other)


def whole(value: Any) -> Any:
    """An asset or archive with all keys that the provider knows; any other value as it is."""
    if is_asset(value):
        return {"path": "", "text": "", "uri": "", **value}
    if is_archive(value):
        return {"assets": {}, "path": "", "uri": "", **value}
    return value


def secret(value: Any) -> Any:
    """The value marked as secret, once."""
    return value if is_secret(value) else {_MARK: _SECRET, "value": value}


def revealed(value: Any) -> Any:
    """The value without the outermost secret mark, if there is one."""
    return value["value"] if is_secret(value) else value


def plain(value: Any) -> Any:
    """The value without any secret mark, at any depth."""
    value = revealed(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
