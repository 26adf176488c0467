"""Reads booleans, numbers, choices and texts. Pulumi passes those at the top level of a stack file as text.

Each function returns UNREAD after it has reported a problem.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from components.keys import Key
from stacks.problems import UNREAD, Report
from stacks.scalars import MOMENT_TEXT

IN_QUOTES = "is {kind} to YAML. Put the text in quotes."


def read_boolean(_: Key, value: object, path: str, report: Report) -> Any:
    if isinstance(value, bool) or value in ("true", "false"):
        return value in (True, "true")
    report(path, value, "Write true or false.")
    return UNREAD


def read_number(key: Key, value: object, path: str, report: Report) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        report(path, value, "Write a whole number.")
        return UNREAD
    low, high = key.bounds.get("minimum", value), key.bounds.get("maximum", value)
    if low <= value <= high:
        return value
    report(path, value, f"Write a number from {low} to {high}.")
    return UNREAD


def read_choice(choices: Sequence[str], value: object, path: str, report: Report) -> Any:
    """Also accepts a choice that YAML reads as a number, such as 2019."""
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value) in choices:
        return str(value)
    report(path, value, f"Write one of {', '.join(choices)}.")
    return UNREAD


def read_text(key: Key, value: object, path: str, report: Report) -> Any:
    if isinstance(value, bool):
        report(path, value, IN_QUOTES.format(kind="true or false"))
    elif isinstance(value, int | float):
        report(path, value, IN_QUOTES.format(kind="a number"))
    elif not isinstance(value, str):
        report(path, value, "Write text.")
    elif MOMENT_TEXT.fullmatch(value):
        report(path, value, IN_QUOTES.format(kind="a date"))
    else:
        return read_formatted_text(key, value, path, report)
    return UNREAD


def read_formatted_text(key: Key, value: str, path: str, report: Report) -> Any:
    """The text, or the part of it that the key's form selects."""
    shortest, longest = key.bounds.get("minLength", 1), key.bounds.get("maxLength", len(value))
    if not shortest <= len(value) <= longest:
        report(path, value, f"Write {shortest} to {longest} characters." if value else "Write text that is not empty.")
        return UNREAD
    if key.form is None:
        return value
    remedy = key.form.find_mistake(value)
    if remedy is None:
        return key.form.extract_value(value)
    report(path, value, remedy)
    return UNREAD
