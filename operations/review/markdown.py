"""Markdown for GitHub. Values in it are escaped: none becomes a link, a mention, a table cell or a tag."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

# GitHub allows 65,536 characters in a comment; `operations github comment` adds a few.
LONGEST = 60_000
# Longer tables are folded.
OPEN_ROWS = 12
TABLE, LEFT_OUT = (
    "| {} |\n|{}\n{}",
    "\n\n… and {} more, left out because a comment would be too long: see `pulumi preview --diff`.",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, a sentence and rows of Markdown cells. Without a header the rows are a list.

    `empty`: the text if there are no rows; `left_out`: how many rows are missing.
    """

    title: str
    lead: str = ""
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    empty: str = ""
    left_out: int = 0

    def format(self) -> str:
        parts = [f"### {self.title}"]
        if self.lead and self.rows:
            parts.append(self.lead)
        if not self.rows and not self.left_out:
            return "\n\n".join([*parts, self.empty])
        table = self._format_table() + (LEFT_OUT.format(self.left_out) if self.left_out else "")
        count = len(self.rows) + self.left_out
        if count > OPEN_ROWS:
            table = f"<details><summary>{count} rows</summary>\n\n{table}\n\n</details>"
        return "\n\n".join([*parts, table])

    def _format_table(self) -> str:
        if not self.header:
            return "\n".join(f"- {' '.join(row)}" for row in self.rows)
        lines = "\n".join(f"| {' | '.join(row)} |" for row in self.rows)
        return TABLE.format(" | ".join(self.header), "---|" * len(self.header), lines)

    def shorten(self) -> Section:
        kept = len(self.rows) // 2
        return replace(self, rows=self.rows[:kept], left_out=self.left_out + len(self.rows) - kept)


def join_sections(head: str, sections: Sequence[Section], foot: str) -> str:
    """The page; while it is too long for a comment, the longest section loses half of its rows.

    `head` is not shortened here: its texts are already limited.
    """
    left = list(sections)
    while True:
        text = "\n\n".join([head, *(section.format() for section in left), foot]) + "\n"
        if len(text.encode()) <= LONGEST or not any(section.rows for section in left):
            return text
        longest = max(range(len(left)), key=lambda index: sum(map(len, map("".join, left[index].rows))))
        left[longest] = left[longest].shorten()


def code(value: object) -> str:
    """The value as code, in one line: GitHub renders no mention, link, emphasis or tag in code."""
    text = join_lines(str(value))
    if not text:
        return "(empty)"
    # GitHub splits table cells at bars, and reads backslashes, before it reads code.
    return f"<code>{escape_signs(text)}</code>" if re.search(r"[`|\\]", text) else f"`{text}`"


def join_lines(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text).strip()


def escape_signs(text: str) -> str:
    """GitHub links web and mail addresses inside of tags, and finds mail addresses after it resolved `&#64;`."""
    signs = "".join(c if c.isascii() and (c.isalnum() or c in " -") else f"&#{ord(c)};" for c in text)
    return signs.replace("&#64;", "&#64;<!-- -->")


def code_word(text: str) -> str:
    """A plain word as it is, any other text as code."""
    return text if text.isascii() and text.isalnum() else code(text)


def shorten(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def fence_code(text: str) -> str:
    """A code block. Its fence is longer than any in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return f"{fence}text\n{clean}\n{fence}"


def join_codes(values: Sequence[object]) -> str:
    return ", ".join(map(code, values))


def join_words(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
