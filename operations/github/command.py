"""`python -m operations github`: what the workflows say on GitHub, and ask of a preview."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.github import outputs, plan, texts
from operations.terminal import REFUSED, stop

if TYPE_CHECKING:
    from operations.github.client import GitHub

app = typer.Typer(no_args_is_help=True, help="For the workflows: a comment, an issue, what a preview changes.")

StackName = Annotated[str, typer.Option("--stack", envvar="PULUMI_STACK", help="The stack it is about.")]
Review = Annotated[Path, typer.Argument(help="The review's Markdown; a file that is not there is said to be missing.")]
Preview = Annotated[Path, typer.Argument(help="The output of `pulumi preview --json`.")]
Number = Annotated[int, typer.Option("--pull-request", envvar="PULL_REQUEST", help="Its number.")]


@app.command()
def comment(review: Review, stack: StackName, pull_request: Number) -> None:
    """Writes the review into the stack's one comment of a pull request, in place where there is one."""
    text = review.read_text(encoding="utf-8") if review.exists() else None
    body = texts.comment(stack, text, run())
    asked(lambda github: github.comment(pull_request, texts.marker("review", stack), body))


@app.command()
def allowed(
    description: Annotated[str, typer.Option(envvar="DESCRIPTION", help="What the pull request says of itself.")] = "",
) -> None:
    """Prints what `review` shall accept: --allow NAME=REASON for each line `allow: NAME=REASON`, words ended by NUL."""
    for entry in texts.allowed(description):
        typer.echo(f"--allow\0{entry}\0", nl=False)


@app.command()
def issue(
    reports: Annotated[list[Path], typer.Argument(help="The looks' plain text; a file's name is its title.")],
    stack: StackName,
    solved: Annotated[bool, typer.Option("--solved", help="No difference: close the issue if one is open.")] = False,
) -> None:
    """Opens the stack's one issue on drift, or writes it anew; with --solved it closes it."""
    mark = texts.marker("drift", stack)
    if solved:
        asked(lambda github: github.solve(mark, f"No difference any more ([the run]({run()})).") or "no issue is open")
        return
    looks = [(report.stem, report.read_text(encoding="utf-8") if report.exists() else "") for report in reports]
    body = texts.drift(stack, looks, run())
    asked(lambda github: github.report(f"Drift: {stack}", mark, body))


@app.command()
def changes(preview: Preview) -> None:
    """Prints changes=true or changes=false and plan=, to compare a later preview by; the steps that follow see both."""
    steps = readable(preview)
    answers = f"changes={'true' if steps else 'false'}\nplan={plan.fingerprint(steps)}\n"
    typer.echo(answers, nl=False)
    outputs.tell(answers)


@app.command()
def approved(
    preview: Preview,
    agreed: Annotated[str, typer.Option("--plan", help="What `changes` printed of the preview that was approved.")],
) -> None:
    """Exit code 1 where the preview would do anything else than the one that was approved."""
    if plan.fingerprint(readable(preview)) != agreed:
        typer.echo(
            "This is not what was approved: the stack has changed since. Nothing is done; run it again.", err=True
        )
        raise typer.Exit(REFUSED)
    typer.echo("Just what was approved.")


def readable(preview: Path) -> list[Mapping[str, Any]]:
    try:
        return plan.changing_steps(preview)
    except plan.NoPreviewError as error:
        stop(str(error))


def run() -> str:
    """The address of the workflow's run."""
    parts = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, id = (os.environ.get(part, "") for part in parts)
    return f"{server or 'https://github.com'}/{repository}/actions/runs/{id}"


def asked(ask: Callable[[GitHub], str]) -> None:
    from operations.github.client import GitHub, GitHubError

    try:
        with GitHub(os.environ) as github:
            typer.echo(ask(github))
    except GitHubError as error:
        stop(str(error))
