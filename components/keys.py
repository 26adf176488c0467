"""How a row of a stack file is described: one declaration for type, default, description, bounds and remedy.

`stacks.reading` reads rows by it, `stacks.schema` makes the JSON Schema and the reference from it. Field names are the
stack file's keys in snake_case.
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
        """Marks a field whose value is passed through unread, so that it is never printed."""


T = TypeVar("T")


class Key(NamedTuple):
    """What a stack file's key is documented and judged by; bounds are JSON Schema's words (minimum, maxLength …)."""

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
    """A documented field of a row; form and bounds hold for each item of a list."""
    return field(default=default, default_factory=default_factory, metadata={"key": Key(description, form, bounds)})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
def args(cls: type[T]) -> type[T]:
    return dataclass(frozen=True, kw_only=True)(cls)
