"""`python -m operations review`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.terminal import REFUSED, stop


def review(
    preview: Annotated[Path, typer.Argument(metavar="PREVIEW.json", help="The output of `pulumi preview --json`.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="End with exit code 1 if the plan has a danger that is not accepted.")
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="NAME=REASON", help="Accept this danger; the review shows the reason. Repeatable."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the Markdown to this file, not to standard output.")
    ] = None,
) -> None:
    """Describe a preview in Markdown for a pull request: what changes for clients, and what is dangerous.

    Exit code: 0 fine; 1 with --strict, a danger is not accepted; 2 the file is not a preview, or the preview failed.
    """
    from operations.review.dangers import find_dangers
    from operations.review.page import build_page, list_refused
    from operations.review.plan import Plan
    from operations.review.preview_file import NotAPreviewError, read_preview
    from operations.review.redact import hide_secrets

    allowed = parse_allowed(allow or [])
    try:
        found = read_preview(preview)
    except NotAPreviewError as error:
        stop(str(error))
    text = hide_secrets(build_page(found, allowed), found)
    if output is None:
        # As bytes: the terminal's encoding may lack a character.
        typer.echo(text.encode(), nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            stop(f"--output {output}: {error.strerror}. Name a file in a folder that exists.")
    refused = list_refused(find_dangers(Plan(found)), allowed)
    if strict and refused:
        typer.echo(f"Refused: {', '.join(refused)}. The review has a reason and a remedy for each.", err=True)
        raise typer.Exit(REFUSED)
    if found.errors:
        stop(f"{preview} is from a preview that failed, so the review is incomplete. It shows the errors.")


def parse_allowed(options: list[str]) -> dict[str, str]:
    """NAME=REASON -> {name: reason}. Stops with all mistakes at once."""
    from operations.review.dangers import RULES

    problems, found = [], {}
    for option in options:
        name, _, reason = option.partition("=")
        if name not in RULES:
            problems.append(f"--allow {option}: there is no danger {name}; choose one of {', '.join(RULES)}.")
        elif not reason.strip():
            problems.append(f"--allow {option}: the reason is missing; write --allow {name}=REASON.")
        found[name] = reason.strip()
    if problems:
        stop("\n".join(problems))
    return found
