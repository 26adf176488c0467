"""Mistakes in a stack file, and rows with fields that could not be read.

A problem reads as one sentence or two: the key, its value, what is wrong with it, and what to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING as MISSING
from dataclasses import dataclass
from typing import Any, TypeVar

# Called with the key's path, its value (MISSING: show no value), and a text: what is wrong, and the remedy.
Report = Callable[[str, object, str], None]

Row = TypeVar("Row")

# The account in a URL, which may include a password.
ACCOUNT = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True)
class Problem:
    """One mistake in a stack file: the key, its value, what is wrong and what to write."""

    key: str
    value: object
    remedy: str

    def __str__(self) -> str:
        value = "" if self.value is MISSING else f" = {ACCOUNT.sub('//***@', quote_value(self.value))}"
        return f"{self.key}{value}: {self.remedy}"


class TypedText(str):
    """A value as it was typed in the file, without quotes."""


def quote_value(value: object) -> str:
    """A text in quotes, with its backslashes as typed and its control characters escaped."""
    if isinstance(value, TypedText):
        return str(value)
    if isinstance(value, str):
        return "'" + "".join(part if part.isprintable() else repr(part)[1:-1] for part in value) + "'"
    return repr(value)


class UnreadError(Exception):
    """A rule needs a value that could not be read."""


class Unread:
    """Replaces a value that could not be read and whose problem has been reported."""

    def __getattr__(self, _: str) -> Any:
        """Stands in for every field of a row that could not be read."""
        raise UnreadError

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Any = Unread()


def build_row(row: type[Row], parts: dict[str, Any]) -> Row:
    """A `row` with these fields. Access to a field that is UNREAD raises UnreadError."""
    complete = all(part is not UNREAD for part in parts.values())
    built: Row = row(**parts) if complete else guard_unread_fields(row)(**parts)
    return built


def guard_unread_fields(row: type) -> Any:
    def get(self: object, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if value is UNREAD:
            raise UnreadError
        return value

    return type(row.__name__, (row,), {"__getattribute__": get})


@contextmanager
def skip_unread() -> Iterator[None]:
    """Ends the block silently at a value that could not be read: its problem has been reported."""
    try:
        yield
    except UnreadError:
        return
