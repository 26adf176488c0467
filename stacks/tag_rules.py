"""What Azure takes as tags (Microsoft: "Use tags to organize your Azure resources", limitations)."""

from __future__ import annotations

import re
from collections import Counter

from components.args import FarmArgs
from stacks.network_rules import makes_a_link
from stacks.problems import MISSING, Report

MOST_TAGS = 50
MOST_TAGS_OF_ZONES = 15
LONGEST_NAME = 512
REFUSED = re.compile(r"[<>%&\\?/\x00-\x1f]")
RESERVED = ("microsoft", "azure", "windows")


def number_of_tags(farm: FarmArgs, report: Report) -> None:
    count = len(farm.tags)
    if count > MOST_TAGS:
        report("tags", MISSING, f"are {count}; Azure takes {MOST_TAGS} on a resource.")
    elif count > MOST_TAGS_OF_ZONES and (farm.dns.makes_a_zone or makes_a_link(farm)):
        remedy = (
            f"are {count}; Azure takes {MOST_TAGS_OF_ZONES} on a DNS zone and on a link to one, which are made here."
        )
        report("tags", MISSING, remedy)


def names_of_tags(farm: FarmArgs, report: Report) -> None:
    for name in farm.tags:
        for remedy in wrong_in(name):
            report(f"tags.{name}", MISSING, remedy)
        if re.match(r"[0-9]|.* ", name) and (farm.dns.makes_a_zone or makes_a_link(farm)):
            report(f"tags.{name}", MISSING, "A DNS zone takes no name with a space, and none that begins with a digit.")


def wrong_in(name: str) -> list[str]:
    found = []
    if not 0 < len(name) <= LONGEST_NAME:
        found.append(f"Write a name of 1 to {LONGEST_NAME} characters.")
    if refused := sorted(set(REFUSED.findall(name))):
        found.append(f"Azure refuses {' '.join(map(ascii, refused))} in the name of a tag.")
    if name.lower().startswith(RESERVED):
        found.append(f"Azure keeps names that begin with {', '.join(RESERVED)} to itself.")
    if name != name.strip():
        found.append("Leave out the space at the name's beginning or end.")
    return found


def names_that_differ_in_case(farm: FarmArgs, report: Report) -> None:
    counted = Counter(name.lower() for name in farm.tags)
    for name in farm.tags:
        if counted[name.lower()] > 1:
            report(f"tags.{name}", MISSING, "is given more than once: Azure compares the names of tags without case.")
