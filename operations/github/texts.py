"""What is written on GitHub: bodies with a marker to find them by, never longer than GitHub takes."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 65_536  # characters of a body


def marker(what: str, stack: str) -> str:
    """Not seen by readers, and different for each stack."""
    return f"<!-- exchange-cas {what} {stack} -->"


def comment(stack: str, review: str | None, run: str) -> str:
    """`review` is Markdown, None where the preview came to no end; `run` the address of the workflow's run."""
    if review is None:
        review = (
            f"## {stack}: no review\n\nThe preview did not come to its end, or a line `allow:` of the description "
            "names no danger: nobody knows what this change would do."
        )
    return fitting([marker("review", stack), review.rstrip(), f"[The run]({run})"], run)


def allowed(description: str) -> list[str]:
    """NAME=REASON of each line `allow: NAME=REASON` in a pull request's description."""
    found = re.findall(r"^[ \t]*allow:(.+)$", description, re.MULTILINE | re.IGNORECASE)
    return ["=".join(part.strip() for part in entry.split("=", 1)) for entry in found]


def drift(stack: str, reports: Sequence[tuple[str, str]], run: str) -> str:
    """`reports`: title and plain text of each look."""
    shares = max(LONGEST // max(len(reports), 1) - 500, 0)
    parts = [marker("drift", stack), f"What **{stack}** says and what is there are not the same ([the run]({run}))."]
    parts += [
        f"## {title}\n\n{fenced(shortened(text.strip() or 'nothing was said', shares))}" for title, text in reports
    ]
    parts.append("Written anew by each look, closed by the first that finds no difference.")
    return fitting(parts, run)


def fenced(text: str) -> str:
    """As a block of code that the text cannot leave, so that it mentions nobody and links nowhere."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def shortened(text: str, length: int) -> str:
    note = "\n… the rest is in the run's log"
    return text if len(text) <= length else text[: max(length - len(note), 0)] + note


def fitting(parts: Sequence[str], run: str) -> str:
    body = "\n\n".join(parts) + "\n"
    note = f"\n\n… cut; [the run]({run}) has the whole.\n"
    return body if len(body) <= LONGEST else body[: LONGEST - len(note)] + note
