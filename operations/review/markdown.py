"""Markdown for GitHub that its values cannot break: nothing in them is a link, a mention, a cell or a tag."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

# GitHub takes 65,536 characters for a comment; the rest is for who posts it.
LONGEST = 60_000
# A longer table is folded.
OPEN_ROWS = 12
TABLE, LEFT_OUT = "| {} |\n|{}\n{}", "\n\n… and {} more, left out here for their length: see `pulumi preview --diff`."


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, a sentence, and rows of cells that are Markdown already; `total` rows before any were left out."""

    title: str
    lead: str = ""
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    empty: str = ""
    left_out: int = field(default=0)

    def text(self) -> str:
        parts = [f"### {self.title}"]
        if self.lead and self.rows:
            parts.append(self.lead)
        if not self.rows and not self.left_out:
            return "\n\n".join([*parts, self.empty])
        table = self._table() + (LEFT_OUT.format(self.left_out) if self.left_out else "")
        count = len(self.rows) + self.left_out
        if count > OPEN_ROWS:
            table = f"<details><summary>{count} rows</summary>\n\n{table}\n\n</details>"
        return "\n\n".join([*parts, table])

    def _table(self) -> str:
        if not self.header:
            return "\n".join(f"- {' '.join(row)}" for row in self.rows)
        lines = "\n".join(f"| {' | '.join(row)} |" for row in self.rows)
        return TABLE.format(" | ".join(self.header), "---|" * len(self.header), lines)

    def shorter(self) -> Section:
        kept = len(self.rows) // 2
        return replace(self, rows=self.rows[:kept], left_out=self.left_out + len(self.rows) - kept)


def fitting(head: str, sections: Sequence[Section], foot: str) -> str:
    """All of it; where that is too long, the longest section loses rows until it fits. `head` stays whole.

    It is short by itself: who writes it shortens what may be long.
    """
    left = list(sections)
    while True:
        text = "\n\n".join([head, *(section.text() for section in left), foot]) + "\n"
        if len(text.encode()) <= LONGEST or not any(section.rows for section in left):
            return text
        longest = max(range(len(left)), key=lambda index: sum(map(len, map("".join, left[index].rows))))
        left[longest] = left[longest].shorter()


def code(value: object) -> str:
    """The value as it is, in one line, as code: GitHub looks there for no mention, link, emphasis or tag."""
    text = one_line(str(value))
    if not text:
        return "(empty)"
    # In a table, a backslash or a bar would count before the code does.
    return f"<code>{inert(text)}</code>" if re.search(r"[`|\\]", text) else f"`{text}`"


def one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()


def inert(text: str) -> str:
    """Inside a tag, GitHub looks for addresses of web sites and of mail; for the latter after signs are resolved."""
    signs = "".join(c if c.isascii() and (c.isalnum() or c in " -") else f"&#{ord(c)};" for c in text)
    return signs.replace("&#64;", "&#64;<!-- -->")


def bare(text: str) -> str:
    return text if text.isascii() and text.isalnum() else code(text)


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def block(text: str) -> str:
    """Many lines as code that cannot be left."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return f"{fence}text\n{clean}\n{fence}"


def codes(values: Sequence[object]) -> str:
    return ", ".join(map(code, values))
