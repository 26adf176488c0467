"""Scalars of YAML as the engine reads them in a stack file, with Go's yaml.v3.

yaml.v3 follows YAML 1.2 and keeps parts of 1.1: `yes` and `19:00` are texts, 0730 is the number 472, 1_000 is 1000, and
a date becomes a moment. Source: yaml.v3's resolve.go. An engine test compares the results with `pulumi config`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
TRUTH: Mapping[str, bool] = MappingProxyType(
    {**dict.fromkeys(("true", "True", "TRUE"), True), **dict.fromkeys(("false", "False", "FALSE"), False)}
)
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WHOLE = re.compile(r"(?P<sign>[-+]?)(0(?P<base>[xXbBoO]?))?(?P<digits>[0-9a-fA-F]+)")
BASES = {"x": 16, "b": 2, "o": 8}
DECIMAL = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?")
MOMENT = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2})"
    r"(?:(?:[Tt]|\s+)(\d{1,2}:\d{1,2}:\d{1,2})(\.\d{1,9})?(Z|[-+]\d\d:\d\d)?)?"
)
# A moment as Go writes it. Only a date without quotes becomes one.
MOMENT_TEXT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [-+]\d{4} \S+")
# Go reads a number outside INTEGERS as a float; JSON writes a float from EXPONENT_FROM on with an exponent.
INTEGERS = range(-(2**63), 2**64)
EXPONENT_FROM = 1e21

Scalar = str | int | float | bool | None


def parse_scalar(text: str) -> Scalar:
    """The value of a scalar without quotes. A moment is returned as the text that Go writes for it."""
    if text in NOTHING:
        return None
    if text in TRUTH:
        return TRUTH[text]
    if NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    if text[0] not in "+-.0123456789":
        return text
    if moment := MOMENT.fullmatch(text):
        return format_moment(*moment.groups()) or text
    number = parse_number(text.replace("_", "") if text[0] != "." else text)
    return text if number is None else number


def parse_number(text: str) -> int | float | None:
    integer = parse_integer(text)
    if integer is not None and integer in INTEGERS:
        return integer
    if not DECIMAL.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    # JSON writes a float without a fraction as a whole number.
    return int(number) if number.is_integer() and abs(number) < EXPONENT_FROM else number


def parse_integer(text: str) -> int | None:
    """Follows Go: a leading 0 makes a number octal, as 0o does."""
    match = WHOLE.fullmatch(text)
    if not match:
        return None
    octal = text.lstrip("+-").startswith("0") and text.lstrip("+-") != "0"
    base = BASES.get((match["base"] or "").lower(), 8 if octal else 10)
    try:
        return int(match["sign"] + match["digits"], base)
    except ValueError:
        return None


def format_moment(day: str, time: str | None, fraction: str | None, zone: str | None) -> str | None:
    """2026-01-01 becomes 2026-01-01 00:00:00 +0000 UTC; None if the day or the time does not exist."""
    try:
        year, month, date = map(int, day.split("-"))
        hour, minute, second = map(int, time.split(":")) if time else (0, 0, 0)
        moment = datetime(year, month, date, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    offset, name = "+0000", "UTC"
    if zone and zone != "Z":
        offset = name = zone.replace(":", "")
        if offset[1:] == "0000":
            offset, name = "+0000", "+0000"
    digits = (fraction or "").rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{digits} {offset} {name}"


def scalar_kind(value: Scalar) -> str:
    if isinstance(value, str):
        return "timestamp" if MOMENT_TEXT.fullmatch(value) else "str"
    return {type(None): "null", bool: "bool", int: "int", float: "float"}[type(value)]


def scalar_to_text(value: Scalar) -> str:
    """The text that the engine passes to a program: true, 472, 1.5."""
    return value if isinstance(value, str) else json.dumps(value)
