"""A stack file, read and written so that the engine reads the same. Scalars: `stacks.scalars`."""

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

from stacks.scalars import as_text, kind_of, plain

# The tag of a scalar without quotes and without a tag of its own.
PLAIN = "!plain"
CORE = "tag:yaml.org,2002:"
RESOLVED = ("int", "float", "bool", "null", "timestamp")


class UnreadableStackFileError(Exception):
    """The engine would refuse the file; the text names file, line and reason."""


@dataclass(frozen=True)
class StackFile:
    """`config`: full name -> value. `rest`: what else the file holds. `typed`: path of a scalar without quotes -> text.

    Paths are those of problems: `autoShutdown.time`, `network.clientPorts[0]`.
    """

    config: dict[str, Any]
    rest: dict[str, Any]
    typed: Mapping[str, str]


class Loader(yaml.SafeLoader):
    """Leaves it to `stacks.scalars` what a scalar without quotes is: PyYAML reads `yes` as true, and 19:00 as 1140."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # An anchor may be given again, as YAML 1.2 has it.
        if not self.check_event(yaml.AliasEvent):
            self.anchors.pop(self.peek_event().anchor, None)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


Loader.yaml_implicit_resolvers = {None: [(PLAIN, re.compile("", re.DOTALL))]}


class Dumper(yaml.SafeDumper):
    """Puts a text in quotes where the engine would take it for something else, such as 1e3."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain(text) == text else "'")


Dumper.add_representer(str, Dumper.represent_text)


def dump_stack_file(content: Mapping[str, Any]) -> str:
    """A whole stack file."""
    return yaml.dump(dict(content), Dumper=Dumper, sort_keys=False, allow_unicode=True)


def read_stack_file(path: Path, project: str) -> StackFile:
    """Raises OSError where the file cannot be opened, UnreadableStackFileError where the engine would refuse it."""
    try:
        return parse_stack_file(path.read_bytes(), project)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, UnreadableStackFileError) as error:
        raise UnreadableStackFileError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def parse_stack_file(content: bytes, project: str) -> StackFile:
    """`project` is the prefix of keys that have none."""
    # The engine reads the first document only.
    document = next(yaml.compose_all(content.decode("utf-8-sig"), Loader=Loader), None)
    reading = Reading()
    whole = (reading.value(document, "") if document else None) or {}
    given = (whole.pop("config", None) if isinstance(whole, dict) else whole) or {}
    if not isinstance(given, dict):
        raise UnreadableStackFileError("config: is not a mapping of keys to values.")
    config = {full_name(name, project): value for name, value in given.items()}
    prefix = re.compile(rf"config\.({re.escape(project)}:(config:)?)?")
    typed = {prefix.sub("", path, count=1): text for path, text in reading.typed.items() if prefix.match(path)}
    return StackFile(config=config, rest=whole, typed=typed)


def full_name(name: str, project: str) -> str:
    """`protect`, `exchange-cas:protect` and `exchange-cas:config:protect` are one key to the engine."""
    parts = name.split(":")
    if len(parts) == 3 and parts[1] == "config":
        del parts[1]
    if len(parts) > 2 or not all(parts) or name.isdigit():
        raise UnreadableStackFileError(f"{name}: is not a key of the form PROJECT:NAME.")
    return ":".join(parts) if len(parts) == 2 else f"{project}:{name}"


class Reading:
    """Makes the plain values that JSON knows from nodes, and keeps the texts that had no quotes."""

    def __init__(self) -> None:
        self.typed: dict[str, str] = {}
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: str) -> Any:
        if isinstance(node, yaml.ScalarNode):
            if node.style is None:
                self.typed[path] = node.value
            return scalar(node)
        if id(node) in self._open:
            raise UnreadableStackFileError(f"{place(node)}: an anchor's value contains itself.")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(part, f"{path}[{index}]") for index, part in enumerate(node.value)]
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, path: str) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = key_of(key_node)
            if name == "<<" and key_node.style is None:
                for row in self._merged(value_node, path):
                    merged = {**row, **merged}
                continue
            if name in own:
                raise UnreadableStackFileError(f"{place(key_node)}: the key {name} is given twice.")
            own[name] = self.value(value_node, f"{path}.{name}" if path else name)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: str) -> Iterator[dict[str, Any]]:
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                raise UnreadableStackFileError(f"{place(part)}: << merges mappings only.")
            yield self._mapping(part, path)


def scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    kind = node.tag.removeprefix(CORE)
    if kind == "binary":
        return decoded(node)
    if node.tag != PLAIN and kind not in RESOLVED:
        return text
    found = plain(text)
    # A whole number is a float, too.
    if kind in RESOLVED and kind_of(found) != kind and not (kind == "float" and kind_of(found) == "int"):
        raise UnreadableStackFileError(f"{place(node)}: {text} is not of the kind {kind}.")
    if isinstance(found, float) and not math.isfinite(found):
        raise UnreadableStackFileError(f"{place(node)}: {text} is not a number that JSON knows.")
    return found


def decoded(node: yaml.ScalarNode) -> str:
    try:
        return base64.b64decode("".join(node.value.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise UnreadableStackFileError(f"{place(node)}: {node.value} is not text in base64.") from None


def key_of(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise UnreadableStackFileError(f"{place(node)}: a list or a mapping cannot be a key.")
    key = scalar(node)
    # As Go writes nothing.
    return "<nil>" if key is None else as_text(key)


def place(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
