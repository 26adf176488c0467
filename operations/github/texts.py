"""Bodies of comments and issues: each starts with a marker to find it again, and fits GitHub's limit."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_BODY = 65_536  # characters


def marker(kind: str, stack: str) -> str:
    """An HTML comment, which GitHub does not show."""
    return f"<!-- exchange-cas {kind} {stack} -->"


def review_comment(stack: str, review: str | None, run: str) -> str:
    """`review` is Markdown, None where the preview failed; `run` is the URL of the workflow's run."""
    if review is None:
        review = (
            f"## {stack}: no review\n\nThe preview failed, or a line `allow:` of the description names no danger. "
            "What this change would do is unknown."
        )
    return cut_body([marker("review", stack), review.rstrip(), f"[The run]({run})"], run)


def allowed_dangers(description: str) -> list[str]:
    """NAME=REASON of each line `allow: NAME=REASON` in a pull request's description."""
    lines = re.findall(r"^[ \t]*allow:(.+)$", description, re.MULTILINE | re.IGNORECASE)
    return ["=".join(part.strip() for part in line.split("=", 1)) for line in lines]


def drift_issue(stack: str, reports: Sequence[tuple[str, str]], run: str) -> str:
    """`reports`: title and plain text of each check."""
    share = max(LONGEST_BODY // max(len(reports), 1) - 500, 0)
    sections = [
        f"## {title}\n\n{code_block(cut_report(text.strip() or 'no output', share))}" for title, text in reports
    ]
    intro = f"**{stack}** is not as its stack file says ([the run]({run}))."
    outro = "Every check rewrites this issue; the first one that finds no difference closes it."
    return cut_body([marker("drift", stack), intro, *sections, outro], run)


def code_block(text: str) -> str:
    """A block that the text cannot close, so that it cannot mention or link anybody."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def cut_report(text: str, length: int) -> str:
    note = "\n… the rest is in the run's log"
    return text if len(text) <= length else text[: max(length - len(note), 0)] + note


def cut_body(parts: Sequence[str], run: str) -> str:
    body = "\n\n".join(parts) + "\n"
    note = f"\n\n… cut; [the run]({run}) shows everything.\n"
    return body if len(body) <= LONGEST_BODY else body[: LONGEST_BODY - len(note)] + note
