"""The commands for a person or a workflow between two `pulumi up`: `python -m operations --help`."""

from __future__ import annotations

import typer

from operations.adopt.command import adopt
from operations.certificate_command import certificate
from operations.check.command import drift, verify
from operations.drill.command import drill
from operations.github.command import app as github
from operations.labs.command import app as lab
from operations.review.command import review

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

app.command()(verify)
app.command()(drift)
app.command()(drill)
app.command()(review)
app.command()(adopt)
app.command()(certificate)
app.add_typer(github, name="github")
app.add_typer(lab, name="lab")

if __name__ == "__main__":
    app()
