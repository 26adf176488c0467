"""What a lab is called everywhere, by its name alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

# Tags of all that a lab makes. Azure's copy is what counts where the state has lost sight of something.
LAB, OWNER, EXPIRES = "lab", "owner", "expires"
PREFIX = "lab-"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


class LabError(Exception):
    """A lab is refused, nothing was touched; one line a problem, each with its remedy."""

    def __init__(self, lab: str, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{lab}: {count}; nothing was touched:" + "".join(f"\n  {row}" for row in self.problems))


@dataclass(frozen=True)
class Lab:
    """One lab; raises LabError for a name that cannot be one."""

    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            remedy = "Write 1 to 20 lower-case letters, digits and inner hyphens, such as anna or issue-42."
            raise LabError("lab", [f"NAME = {self.name!r}: {remedy}"])

    @property
    def stack(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def resource_group(self) -> str:
        return f"exchange-cas-{self.stack}"

    def tags(self, owner: str, expires: datetime) -> dict[str, str]:
        return {LAB: self.name, OWNER: owner, EXPIRES: written(expires)}


def lab_of(stack: str) -> str | None:
    """The name of the lab that a stack is, None for any other stack."""
    name = stack.rpartition("/")[2]
    found = name.removeprefix(PREFIX)
    return found if name.startswith(PREFIX) and NAME.fullmatch(found) else None


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def expired(tags: dict[str, str], now: datetime) -> bool:
    """Whether the time is over; a tag that cannot be read, or none, is no permission."""
    try:
        return datetime.strptime(tags.get(EXPIRES, ""), "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC) <= now
    except ValueError:
        return False
