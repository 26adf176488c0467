"""What Azure accepts as tags (Microsoft: "Use tags to organize your Azure resources", limitations)."""

from __future__ import annotations

import re
from collections import Counter

from components.args import FarmArgs
from stacks.problems import MISSING, Report

MAX_TAGS = 50
MAX_TAGS_OF_ZONES = 15
MAX_TAG_NAME_LENGTH = 512
REFUSED_CHARACTERS = re.compile(r"[<>%&\\?/\x00-\x1f]")
RESERVED_PREFIXES = ("microsoft", "azure", "windows")


def check_number_of_tags(farm: FarmArgs, report: Report) -> None:
    count = len(farm.tags)
    if count > MAX_TAGS:
        report("tags", MISSING, f"has {count} tags. Azure allows {MAX_TAGS} on a resource. Remove some.")
    elif count > MAX_TAGS_OF_ZONES and creates_zone_or_link(farm):
        remedy = (
            f"has {count} tags. Azure allows {MAX_TAGS_OF_ZONES} on a DNS zone and on a link to one, "
            "and this stack creates one. Remove some."
        )
        report("tags", MISSING, remedy)


def check_names_of_tags(farm: FarmArgs, report: Report) -> None:
    for name in farm.tags:
        for remedy in explain_refused_name(name):
            report(f"tags.{name}", MISSING, remedy)
        if re.match(r"[0-9]|.* ", name) and creates_zone_or_link(farm):
            remedy = "has a name that Azure refuses on a DNS zone. Write one without spaces that begins with a letter."
            report(f"tags.{name}", MISSING, remedy)


def creates_zone_or_link(farm: FarmArgs) -> bool:
    """Whether the stack creates a zone or a link to one."""
    private = farm.dns.private_zone
    return farm.dns.creates_zone or farm.links_own_network or bool(private and private.linked_networks)


def explain_refused_name(name: str) -> list[str]:
    remedies = []
    if not 0 < len(name) <= MAX_TAG_NAME_LENGTH:
        remedies.append(f"Write a name of 1 to {MAX_TAG_NAME_LENGTH} characters.")
    if refused := sorted(set(REFUSED_CHARACTERS.findall(name))):
        remedies.append(f"has {' '.join(map(ascii, refused))} in its name, which Azure refuses. Remove it.")
    if name.lower().startswith(RESERVED_PREFIXES):
        remedies.append(
            f"begins with a word that Azure reserves ({', '.join(RESERVED_PREFIXES)}). Choose another name."
        )
    if name != name.strip():
        remedies.append("begins or ends with a space. Remove the space.")
    return remedies


def check_case_of_tags(farm: FarmArgs, report: Report) -> None:
    counted = Counter(name.lower() for name in farm.tags)
    for name in farm.tags:
        if counted[name.lower()] > 1:
            remedy = "appears more than once: Azure ignores the case of tag names. Remove all but one."
            report(f"tags.{name}", MISSING, remedy)


RULES = (check_number_of_tags, check_names_of_tags, check_case_of_tags)
