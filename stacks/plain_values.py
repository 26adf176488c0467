"""Reads truth values, numbers, choices and texts. Pulumi hands those at the top of a stack file on as text.

Each returns UNREAD for what it has reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from components.keys import Key
from stacks.problems import UNREAD, Report
from stacks.scalars import MOMENT_TEXT

IN_QUOTES = "YAML reads this as {kind}; put the text in quotes."


def read_truth(_: Key, value: object, path: str, report: Report) -> Any:
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
    """A number that is the same written as text, such as 2019, counts too."""
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
        report(path, value, "Write a text.")
    elif MOMENT_TEXT.fullmatch(value):
        report(path, value, IN_QUOTES.format(kind="a date"))
    else:
        return read_form(key, value, path, report)
    return UNREAD


def read_form(key: Key, value: str, path: str, report: Report) -> Any:
    """The text, or that part of it that counts."""
    shortest, longest = key.bounds.get("minLength", 1), key.bounds.get("maxLength", len(value))
    if not shortest <= len(value) <= longest:
        report(
            path, value, f"Write {shortest} to {longest} characters." if value else "Write a text that is not empty."
        )
        return UNREAD
    if key.form is None:
        return value
    wrong = key.form.find_mistake(value)
    if wrong is None:
        return key.form.extract_value(value)
    report(path, value, wrong)
    return UNREAD
