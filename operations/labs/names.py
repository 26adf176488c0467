"""The names and tags of a lab, which follow from its NAME."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# Tags of everything that a lab creates. Where the state has lost a resource, Azure's copy of the tag decides.
LAB, OWNER, EXPIRES = "lab", "owner", "expires"
PREFIX = "lab-"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
TIME = "%Y-%m-%dT%H:%MZ"


class LabError(Exception):
    """The command refuses before it changes anything; one line for each problem, with its remedy."""

    def __init__(self, lab: str, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{lab}: {count}; nothing was changed:" + "".join(f"\n  {row}" for row in self.problems))


@dataclass(frozen=True)
class Lab:
    """Raises LabError for a name that Azure or Pulumi would refuse."""

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
        return {LAB: self.name, OWNER: owner, EXPIRES: expires.astimezone(UTC).strftime(TIME)}


def lab_name(stack: str) -> str | None:
    """NAME of the stack lab-NAME, also with its organisation and project; None for any other stack."""
    name = stack.rpartition("/")[2]
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) and NAME.fullmatch(name[len(PREFIX) :]) else None


def is_expired(tags: Mapping[str, str], now: datetime) -> bool:
    """False without the tag, or where it cannot be read: only a clear date lets others take a lab down."""
    try:
        return datetime.strptime(tags.get(EXPIRES, ""), TIME).replace(tzinfo=UTC) <= now
    except ValueError:
        return False
