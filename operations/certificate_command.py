"""`python -m operations certificate`."""

from __future__ import annotations

import base64
import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from components.args import FarmArgs
from components.namespace import list_certificate_names
from operations.stack import StackError, parse_json, read_config_values, run_pulumi
from operations.terminal import REFUSED, Cwd, StackName, report_errors
from stacks import arguments

File = Annotated[Path, typer.Argument(metavar="FILE.pfx", help="The certificate with its key and its chain.")]


def certificate(file: File, stack: StackName = None, cwd: Cwd = None) -> None:
    """Check a PFX against a stack, and set it as the stack's secrets certificatePfx and certificatePassword.

    Asks for the password, or reads it from standard input. The next `pulumi up` gives the certificate to the servers.

    Exit code: 0 the secrets are set; 1 refused, nothing was written; 2 the stack or the file could not be read.
    """
    from operations.certificate import check_pfx

    with report_errors():
        content = read_file(file)
        farm = read_farm(stack, cwd)
        password = getpass.getpass("Password of the PFX: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\r\n")
        wanted = list_certificate_names(farm.namespace, published=farm.dns.public is not None)
        checked = check_pfx(content, password, file=str(file), wanted=wanted, exchange_version=farm.exchange_version)
        if checked.problems:
            lines = "".join(f"\n  {problem}" for problem in checked.problems)
            typer.echo(f"{file} has {len(checked.problems)} problem(s); nothing was written:{lines}", err=True)
            raise typer.Exit(REFUSED)
        set_secret("certificatePassword", password, stack, cwd)
        set_secret("certificatePfx", base64.b64encode(checked.content).decode(), stack, cwd)
    if checked.rewritten:
        typer.echo("Written again with TripleDES and SHA-1: Windows on these servers cannot use the file itself.")
    typer.echo(f"thumbprint  {checked.thumbprint}\nnames       {', '.join(checked.names)}")
    typer.echo(f"ends        {checked.not_after:%Y-%m-%d %H:%M} UTC\nNext: pulumi up")
    if farm.certificate and farm.certificate.thumbprint:
        typer.echo("First: pulumi config rm --path certificate.thumbprint", err=True)


def read_file(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StackError(f"{file}: {error.strerror}. Name a readable PFX file.") from None


def read_farm(stack: str | None, cwd: Path | None) -> FarmArgs:
    """The stack file's values, without its certificate's rules: they may be broken until the secrets are set."""
    config = parse_json(run_pulumi("config", "--json", *name_stack(stack), cwd=cwd, environment=os.environ))
    values = read_config_values(config)
    for name in ("certificatePfx", "certificatePassword"):
        values[name] = "set by this command"
    row = values.get("certificate")
    if isinstance(row, dict):
        values["certificate"] = {name: value for name, value in row.items() if name != "thumbprint"}
    location = config.get("azure-native:location", {}).get("value")
    secrets = {name: values.get(name) or "encrypted" for name in arguments.SECRETS & values.keys()}
    try:
        return arguments.read_arguments(values | secrets, location=location)
    except arguments.InvalidStackFileError as error:
        raise StackError(str(error)) from None


def set_secret(key: str, value: str, stack: str | None, cwd: Path | None) -> None:
    """Through standard input: a command line is shown to every user of this computer."""
    run_pulumi("config", "set", "--secret", key, *name_stack(stack), cwd=cwd, environment=os.environ, given=value)


def name_stack(stack: str | None) -> list[str]:
    return ["--stack", stack] if stack else []
