"""`python -m operations github`: comments, issues and the comparison of previews for the workflows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.github import texts
from operations.github.fingerprint import BadPreviewError, fingerprint, read_changing_steps
from operations.terminal import REFUSED, stop

if TYPE_CHECKING:
    from operations.github.client import GitHub

app = typer.Typer(no_args_is_help=True, help="For the workflows: a comment, an issue, what a preview changes.")

StackName = Annotated[str, typer.Option("--stack", envvar="PULUMI_STACK", help="The stack it is about.")]
Review = Annotated[Path, typer.Argument(help="The review's Markdown; without the file the comment says: no review.")]
Preview = Annotated[Path, typer.Argument(help="The output of `pulumi preview --json`.")]
Number = Annotated[int, typer.Option("--pull-request", envvar="PULL_REQUEST", help="Its number.")]


@app.command("comment")
def write_comment(review: Review, stack: StackName, pull_request: Number) -> None:
    """Writes the review into the stack's comment on a pull request, or replaces its text."""
    text = review.read_text(encoding="utf-8") if review.exists() else None
    body = texts.review_comment(stack, text, run_url())
    ask_github(lambda github: github.write_comment(pull_request, texts.marker("review", stack), body))


@app.command("allowed")
def print_allowed(
    description: Annotated[str, typer.Option(envvar="DESCRIPTION", help="The pull request's description.")] = "",
) -> None:
    """Prints --allow NAME=REASON for `review`, for each line `allow: NAME=REASON`; a NUL ends each word."""
    for entry in texts.allowed_dangers(description):
        typer.echo(f"--allow\0{entry}\0", nl=False)


@app.command("issue")
def write_issue(
    reports: Annotated[list[Path], typer.Argument(help="The checks' plain text; a file's name is its title.")],
    stack: StackName,
    solved: Annotated[bool, typer.Option("--solved", help="No difference: close the issue if one is open.")] = False,
) -> None:
    """Opens the stack's issue on drift, or replaces its text; with --solved it closes it."""
    mark = texts.marker("drift", stack)
    if solved:
        comment = f"No difference any more ([the run]({run_url()}))."
        ask_github(lambda github: github.close_issue(mark, comment) or "no issue is open")
        return
    rows = [(report.stem, report.read_text(encoding="utf-8") if report.exists() else "") for report in reports]
    body = texts.drift_issue(stack, rows, run_url())
    ask_github(lambda github: github.write_issue(f"Drift: {stack}", mark, body))


@app.command("changes")
def print_changes(preview: Preview) -> None:
    """Prints changes=true or changes=false, and plan=FINGERPRINT for `approved`; also as outputs of the step."""
    steps = read_preview_steps(preview)
    answers = f"changes={'true' if steps else 'false'}\nplan={fingerprint(steps)}\n"
    typer.echo(answers, nl=False)
    write_outputs(answers)


@app.command("approved")
def compare_with_approved(
    preview: Preview,
    plan: Annotated[str, typer.Option("--plan", help="What `changes` printed of the preview that was approved.")],
) -> None:
    """Exit code 1 where the preview would do anything else than the approved one."""
    if fingerprint(read_preview_steps(preview)) != plan:
        typer.echo(
            "This is not what was approved: the stack has changed since. Nothing is done; run it again.", err=True
        )
        raise typer.Exit(REFUSED)
    typer.echo("Just what was approved.")


def write_outputs(lines: str) -> None:
    """Lines NAME=VALUE become outputs of the workflow's step; outside a workflow nothing happens."""
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(lines)


def read_preview_steps(preview: Path) -> list[Mapping[str, Any]]:
    try:
        return read_changing_steps(preview)
    except BadPreviewError as error:
        stop(str(error))


def run_url() -> str:
    """The URL of the workflow's run."""
    parts = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, id = (os.environ.get(part, "") for part in parts)
    return f"{server or 'https://github.com'}/{repository}/actions/runs/{id}"


def ask_github(ask: Callable[[GitHub], str]) -> None:
    from operations.github.client import GitHub, GitHubError

    try:
        with GitHub(os.environ) as github:
            typer.echo(ask(github))
    except GitHubError as error:
        stop(str(error))
