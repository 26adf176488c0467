"""Mistakes of a stack file, and rows in which a part could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING as MISSING
from dataclasses import dataclass
from typing import Any, TypeVar

# Called with the key's path, its value (MISSING where there is none to show) and what to write.
Report = Callable[[str, object, str], None]

Row = TypeVar("Row")


@dataclass(frozen=True)
class Problem:
    """One mistake in a stack file: which key, its value, what is wrong and what to write."""

    key: str
    value: object
    remedy: str

    def __str__(self) -> str:
        value = "" if self.value is MISSING else f" = {shown(self.value)}"
        return f"{self.key}{value}: {self.remedy}"


class Typed(str):
    """A value as it was typed in the file, without quotes."""


def shown(value: object) -> str:
    """A text in quotes with its backslashes as they are; control characters are escaped."""
    if isinstance(value, Typed):
        return str(value)
    if isinstance(value, str):
        return "'" + "".join(part if part.isprintable() else repr(part)[1:-1] for part in value) + "'"
    return repr(value)


class Unread:
    """Stands where a value could not be read; what is wrong with it has been reported."""

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Any = Unread()


class UnreadError(Exception):
    """A rule needs a value that could not be read."""


def row_of(row: type[Row], parts: dict[str, Any]) -> Row:
    """The row made of its parts; to ask it for one that is UNREAD raises UnreadError."""
    whole = all(part is not UNREAD for part in parts.values())
    made: Row = row(**parts) if whole else partial(row)(**parts)
    return made


def partial(row: type) -> Any:
    def get(self: object, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if value is UNREAD:
            raise UnreadError
        return value

    return type(row.__name__, (row,), {"__getattribute__": get})


@contextmanager
def passing_over_unread() -> Iterator[None]:
    """What needs a value that could not be read is left out: its problem has been reported."""
    try:
        yield
    except UnreadError:
        return
