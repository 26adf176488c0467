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


def from_struct(struct: struct_pb2.Struct) -> Properties:
    return dict(json_format.MessageToDict(struct))


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
