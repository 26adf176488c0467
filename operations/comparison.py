"""When a setting that Exchange holds is the one that a document asks for."""

from __future__ import annotations


def same(one: object, other: object) -> bool:
    """In any case, as DNS and IIS see it; lists in any order."""
    if isinstance(one, list) and isinstance(other, list):
        return sorted(str(value).lower() for value in one) == sorted(str(value).lower() for value in other)
    return str(one).lower() == str(other).lower()
