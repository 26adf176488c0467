"""The project's folder and backend: stack files, stacks and states."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import typer
import yaml

from operations.labs import locks
from operations.labs.lab_state import LabState, parse_state
from operations.labs.names import LabError
from operations.stack import StackError, parse_json, run_pulumi
from stacks import file as stack_file
from stacks.arguments import PROJECT


@dataclass(frozen=True, kw_only=True)
class LabProject:
    """`folder` holds Pulumi.yaml. Every method raises StackError where Pulumi fails or a file cannot be read."""

    folder: Path
    environment: Mapping[str, str]

    def stack_file(self, stack: str) -> Path:
        path = self.folder / "Pulumi.yaml"
        try:
            project = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise StackError(f"{path}: {error.strerror}. Run it in the project's folder, or name it: --cwd.") from None
        return self.folder / str(project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"

    def read_stack_file(self, stack: str) -> dict[str, Any] | None:
        """The whole file with its `config` block, None without a file."""
        path = self.stack_file(stack)
        try:
            found = stack_file.read_stack_file(path, PROJECT)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StackError(f"{path} cannot be read: {error.strerror}") from None
        except stack_file.UnreadableStackFileError as error:
            raise StackError(str(error)) from None
        return {**found.other_keys, "config": found.config}

    def read_config(self, stack: str) -> dict[str, Any]:
        """The `config` block, empty without a file."""
        config: dict[str, Any] = (self.read_stack_file(stack) or {"config": {}})["config"]
        return config

    def write_stack_file(self, stack: str, content: Mapping[str, Any]) -> None:
        """Replaces the file in one step: a kill leaves the old file or the new one."""
        path = self.stack_file(stack)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(stack_file.dump_stack_file(content))
        Path(temporary).replace(path)

    def list_stacks(self) -> dict[str, datetime | None]:
        """Name of each stack in the backend -> its last update."""
        url = self.environment.get("PULUMI_BACKEND_URL") or parse_json(self.ask("whoami", "--json")).get("url")
        remove_torn_attributes(str(url or ""))
        rows = json.loads(self.ask("stack", "ls", "--json"))
        times = {row["name"].rpartition("/")[2]: row.get("lastUpdate") for row in rows}
        return {name: datetime.fromisoformat(time) if time else None for name, time in times.items()}

    def read_state(self, stack: str) -> LabState:
        return parse_state(parse_json(self.ask("stack", "export", "--stack", stack)))

    def ask(self, *words: str, given: str = "") -> str:
        """What a short `pulumi` command prints; `given` is its standard input."""
        return run_pulumi(*words, cwd=self.folder, environment=self.environment, given=given)

    def run(self, *words: str, stack: str, now: datetime, break_lock: bool) -> None:
        """Runs a command that changes the stack; removes the lock of a killed run first.

        Raises LabError where the run that holds the lock may still be running.
        """
        words = (*words, "--stack", stack)
        try:
            locks.run_update(*words, cwd=self.folder, environment=self.environment)
        except locks.StackLockedError as error:
            running = locks.find_running_holders(str(error), now)
            if running and not break_lock:
                remedy = "wait until that run has ended. If it was killed, use --break-lock."
                raise LabError(stack, [f"another run holds the stack ({'; '.join(running)}): {remedy}"]) from None
            typer.echo("A killed run left its lock: pulumi cancel")
            self.ask("cancel", "--yes", stack)
            locks.run_update(*words, cwd=self.folder, environment=self.environment)


def remove_torn_attributes(backend: str) -> None:
    """Removes half-written NAME.attrs files from a backend of files; other backends write each object in one step.

    A kill while Pulumi writes one makes every command fail with "error: EOF". Pulumi works without the file.
    """
    url = urlsplit(backend)
    if url.scheme != "file":
        return
    folder = f"{url.netloc}{url.path}" if url.netloc.startswith("~") else url2pathname(unquote(url.path))
    for path in (Path(folder).expanduser() / ".pulumi").rglob("*.attrs"):
        try:
            json.loads(path.read_bytes())
        except FileNotFoundError:
            continue  # a run has just replaced it
        except ValueError:
            typer.echo(f"{path.name} was half written by a run that was killed: removed", err=True)
            path.unlink(missing_ok=True)
