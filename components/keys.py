"""How a key of the stack file is declared: type, default, description, bounds and remedy, once.

`stacks.reading` reads the stack file by these declarations; `stacks.schema` and `stacks.reference` generate the JSON
Schema and the reference from them. Field names are the stack file's keys in snake_case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, dataclass_transform

from components.forms import Form

if TYPE_CHECKING:
    from pulumi import Input

    Secret = Input[str]
else:

    class Secret:
        """Marks a field whose value is passed on unread, so that it is never printed."""


T = TypeVar("T")


class Key(NamedTuple):
    """A key's description and checks; bounds have the names of JSON Schema (minimum, maxLength …)."""

    description: str
    form: Form | None
    bounds: Mapping[str, int]


def key(
    description: str,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    form: Form | None = None,
    **bounds: int,
) -> Any:
    """A field for one key; in a list, form and bounds apply to each item."""
    return field(default=default, default_factory=default_factory, metadata={"key": Key(description, form, bounds)})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
def args(cls: type[T]) -> type[T]:
    """Makes a class of keys a frozen dataclass."""
    return dataclass(frozen=True, kw_only=True)(cls)
