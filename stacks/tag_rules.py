"""What Azure accepts as tags (Microsoft: "Use tags to organize your Azure resources", limitations)."""

from __future__ import annotations

import re
from collections import Counter

from components.args import FarmArgs
from stacks.problems import MISSING, Report

MOST_TAGS = 50
MOST_TAGS_OF_ZONES = 15
LONGEST_TAG_NAME = 512
REFUSED_CHARACTERS = re.compile(r"[<>%&\\?/\x00-\x1f]")
RESERVED_PREFIXES = ("microsoft", "azure", "windows")


def check_number_of_tags(farm: FarmArgs, report: Report) -> None:
    count = len(farm.tags)
    if count > MOST_TAGS:
        report("tags", MISSING, f"has {count} tags. Azure takes {MOST_TAGS} on a resource: remove some.")
    elif count > MOST_TAGS_OF_ZONES and tags_a_zone(farm):
        remedy = (
            f"has {count} tags. Azure takes {MOST_TAGS_OF_ZONES} on a DNS zone and on a link to one, "
            "and this stack creates one: remove some."
        )
        report("tags", MISSING, remedy)


def check_names_of_tags(farm: FarmArgs, report: Report) -> None:
    for name in farm.tags:
        for remedy in explain_refused_name(name):
            report(f"tags.{name}", MISSING, remedy)
        if re.match(r"[0-9]|.* ", name) and tags_a_zone(farm):
            remedy = "has a name that Azure refuses on a DNS zone. Write one without spaces that begins with a letter."
            report(f"tags.{name}", MISSING, remedy)


def tags_a_zone(farm: FarmArgs) -> bool:
    """Whether the stack creates a zone or a link to one."""
    private = farm.dns.private_zone
    return farm.dns.makes_a_zone or farm.links_own_network or bool(private and private.linked_networks)


def explain_refused_name(name: str) -> list[str]:
    found = []
    if not 0 < len(name) <= LONGEST_TAG_NAME:
        found.append(f"Write a name of 1 to {LONGEST_TAG_NAME} characters.")
    if refused := sorted(set(REFUSED_CHARACTERS.findall(name))):
        found.append(f"has {' '.join(map(ascii, refused))} in its name, which Azure refuses. Leave it out.")
    if name.lower().startswith(RESERVED_PREFIXES):
        found.append(f"begins with a word that Azure reserves ({', '.join(RESERVED_PREFIXES)}). Choose another name.")
    if name != name.strip():
        found.append("begins or ends with a space. Leave it out.")
    return found


def check_case_of_tags(farm: FarmArgs, report: Report) -> None:
    counted = Counter(name.lower() for name in farm.tags)
    for name in farm.tags:
        if counted[name.lower()] > 1:
            remedy = "appears more than once: Azure ignores the case of tag names. Remove all but one."
            report(f"tags.{name}", MISSING, remedy)


RULES = (check_number_of_tags, check_names_of_tags, check_case_of_tags)
