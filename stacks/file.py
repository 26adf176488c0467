"""Reads a stack file as the engine does, and writes one that the engine reads back unchanged.

`stacks.scalars` reads the scalars.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stacks.scalars import parse_scalar, scalar_kind, scalar_to_text

# The tag of a scalar that has neither quotes nor a tag.
PLAIN = "!plain"
CORE = "tag:yaml.org,2002:"
RESOLVED = ("int", "float", "bool", "null", "timestamp")


class UnreadableStackFileError(Exception):
    """The engine would refuse the file. The text names file, line and reason."""


@dataclass(frozen=True)
class StackFile:
    """`config`: full name -> value. `other_keys`: the rest of the file.

    `typed`: path -> text of each scalar without quotes. Paths are as in problems: `autoShutdown.time`,
    `network.clientPorts[0]`.
    """

    config: dict[str, Any]
    other_keys: dict[str, Any]
    typed: Mapping[str, str]


class StackFileLoader(yaml.SafeLoader):
    """Leaves scalars without quotes to `stacks.scalars`, because PyYAML reads `yes` as true and 19:00 as 1140."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # YAML 1.2 allows a file to define an anchor again; PyYAML refuses that.
        if not self.check_event(yaml.AliasEvent):
            self.anchors.pop(self.peek_event().anchor, None)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


StackFileLoader.yaml_implicit_resolvers = {None: [(PLAIN, re.compile("", re.DOTALL))]}


class StackFileDumper(yaml.SafeDumper):
    """Puts a text in quotes where the engine would read another value, such as 1e3."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if parse_scalar(text) == text else "'")


StackFileDumper.add_representer(str, StackFileDumper.represent_text)


def dump_stack_file(content: Mapping[str, Any]) -> str:
    """The text of a stack file with this content."""
    return yaml.dump(dict(content), Dumper=StackFileDumper, sort_keys=False, allow_unicode=True)


def read_stack_file(path: Path, project: str) -> StackFile:
    """Raises OSError if the file cannot be opened, UnreadableStackFileError if the engine would refuse it."""
    try:
        return parse_stack_file(path.read_bytes(), project)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, UnreadableStackFileError) as error:
        raise UnreadableStackFileError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def parse_stack_file(content: bytes, project: str) -> StackFile:
    """`project` is the prefix of keys without one."""
    # The engine reads the first document only.
    document = next(yaml.compose_all(content.decode("utf-8-sig"), Loader=StackFileLoader), None)
    reader = NodeReader()
    keys = (reader.read_node(document, "") if document else None) or {}
    block = (keys.pop("config", None) if isinstance(keys, dict) else keys) or {}
    if not isinstance(block, dict):
        raise UnreadableStackFileError("config: is not a mapping of keys to values.")
    config = {qualify_key(name, project): value for name, value in block.items()}
    prefix = re.compile(rf"config\.({re.escape(project)}:(config:)?)?")
    typed = {prefix.sub("", path, count=1): text for path, text in reader.typed.items() if prefix.match(path)}
    return StackFile(config=config, other_keys=keys, typed=typed)


def qualify_key(name: str, project: str) -> str:
    """The engine reads `protect`, `exchange-cas:protect` and `exchange-cas:config:protect` as one key."""
    parts = name.split(":")
    if len(parts) == 3 and parts[1] == "config":
        del parts[1]
    if len(parts) > 2 or not all(parts) or name.isdigit():
        raise UnreadableStackFileError(f"{name}: is not a key of the form PROJECT:NAME.")
    return ":".join(parts) if len(parts) == 2 else f"{project}:{name}"


class NodeReader:
    """Turns nodes into the plain values of JSON, and keeps the texts of scalars without quotes in `typed`."""

    def __init__(self) -> None:
        self.typed: dict[str, str] = {}
        self._open: set[int] = set()

    def read_node(self, node: yaml.Node, path: str) -> Any:
        if isinstance(node, yaml.ScalarNode):
            if node.style is None:
                self.typed[path] = node.value
            return read_scalar_node(node)
        if id(node) in self._open:
            raise error_at(node, "an anchor contains itself. Remove the alias inside it.")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.read_node(part, f"{path}[{index}]") for index, part in enumerate(node.value)]
            return self._read_mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _read_mapping(self, node: yaml.Node, path: str) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = read_key(key_node)
            if name == "<<" and key_node.style is None:
                for row in self._read_merged(value_node, path):
                    merged = {**row, **merged}
                continue
            if name in own:
                raise error_at(key_node, f"the key {name} appears twice. Remove one.")
            own[name] = self.read_node(value_node, f"{path}.{name}" if path else name)
        return {**merged, **own}

    def _read_merged(self, node: yaml.Node, path: str) -> Iterator[dict[str, Any]]:
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                raise error_at(part, "<< merges only mappings.")
            yield self._read_mapping(part, path)


def read_scalar_node(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    kind = node.tag.removeprefix(CORE)
    if kind == "binary":
        return decode_binary(node)
    if node.tag != PLAIN and kind not in RESOLVED:
        return text
    value = parse_scalar(text)
    # The engine accepts a whole number for !!float.
    if kind in RESOLVED and scalar_kind(value) != kind and not (kind == "float" and scalar_kind(value) == "int"):
        raise error_at(node, f"{text} is not a value of the type {kind}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise error_at(node, f"{text} is not a number in JSON. Write a finite number.")
    return value


def decode_binary(node: yaml.ScalarNode) -> str:
    try:
        return base64.b64decode("".join(node.value.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise error_at(node, f"{node.value} is not base64 of a text.") from None


def read_key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise error_at(node, "a list or a mapping cannot be a key.")
    key = read_scalar_node(node)
    # The engine, written in Go, uses this text for a null key.
    return "<nil>" if key is None else scalar_to_text(key)


def error_at(node: yaml.Node, reason: str) -> UnreadableStackFileError:
    return UnreadableStackFileError(f"line {node.start_mark.line + 1}: {reason}")
