"""The names of time zones that Windows, and Azure with it, knows."""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from pathlib import Path

# Windows' name -> IANA's names of the same zone; from Unicode CLDR, windowsZones.xml, which Microsoft keeps up to date.
FILE = Path(__file__).with_suffix(".json")


@cache
def known() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def unknown(name: str) -> str | None:
    """What to write instead of a name that Windows does not know; None where it knows it."""
    zones = known()
    spelled = {zone.lower(): zone for zone in zones}
    if name in zones:
        return None
    same = [zone for zone, others in zones.items() if name.lower() in map(str.lower, others)]
    near = same or [spelled[zone] for zone in get_close_matches(name.lower(), spelled, n=1)]
    advice = f"write {near[0]}." if near else "write one such as UTC or W. Europe Standard Time (tzutil /l lists them)."
    return f"is not a time zone of Windows, which Azure asks for; {advice}"
