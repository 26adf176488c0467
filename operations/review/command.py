"""`python -m operations review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.terminal import REFUSED, stop


def review(
    preview: Annotated[Path, typer.Argument(metavar="PREVIEW.json", help="The output of `pulumi preview --json`.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 where the plan is unsafe and not accepted.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="NAME=REASON", help="Accept this danger; the reason is printed. Repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the Markdown there, not on standard output.")
    ] = None,
) -> None:
    """Says in Markdown, for a pull request, what clients would meet after the run that a preview foresees.

    Exit code: 0 fine; 1 with --strict where a danger is not accepted; 2 the file is no preview, or of one that failed.
    """
    from operations.review.dangers import dangers
    from operations.review.page import page, refused
    from operations.review.plan import Plan
    from operations.review.preview import NotAPreviewError, read
    from operations.review.redact import hidden

    allowed = accepted(allow or [])
    try:
        found = read(preview)
    except NotAPreviewError as error:
        stop(str(error))
    text = hidden(page(found, allowed), found)
    if output is None:
        # Bytes: a terminal's own encoding may lack a sign.
        typer.echo(text.encode(), nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            stop(f"--output {output}: {error.strerror}. Name a file in a folder that exists.")
    open_ones = refused(dangers(Plan(found)), allowed)
    if strict and open_ones:
        typer.echo(f"Refused: {', '.join(open_ones)}. The review says why, and what to do instead.", err=True)
        raise typer.Exit(REFUSED)
    if found.errors:
        stop(f"{preview} is of a preview that failed, so it is not the whole. The review shows what it said.")


def accepted(given: list[str]) -> dict[str, str]:
    """NAME=REASON -> name and reason; every mistake is told at once."""
    from operations.review.dangers import REMEDIES

    problems, found = [], {}
    for entry in given:
        name, _, reason = entry.partition("=")
        if name not in REMEDIES:
            problems.append(f"--allow {entry}: {name} is no danger; choose one of {', '.join(REMEDIES)}.")
        elif not reason.strip():
            problems.append(f"--allow {entry}: the reason is missing; write --allow {name}=REASON.")
        found[name] = reason.strip()
    if problems:
        stop("\n".join(problems))
    return found
