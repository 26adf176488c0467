"""The project's folder and its backend, as the lab commands see them: stack files, stacks, states."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from operations.labs import backend, engine, state
from operations.labs.engine import InUseError
from operations.labs.names import LabError
from operations.stack import StackError, parse_json, run_pulumi
from stacks import file as stack_file
from stacks.arguments import PROJECT

BASE = "lab"


@dataclass(frozen=True, kw_only=True)
class Project:
    """`folder` holds Pulumi.yaml. Every method raises StackError where `pulumi` or the file cannot be read."""

    folder: Path
    environment: Mapping[str, str]

    def file(self, stack: str) -> Path:
        path = self.folder / "Pulumi.yaml"
        try:
            own = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise StackError(f"{path}: {error.strerror}. Run it in the project's folder, or name it: --cwd.") from None
        return self.folder / str(own.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"

    def content(self, stack: str) -> dict[str, Any] | None:
        """The whole stack file, None where there is none."""
        path = self.file(stack)
        try:
            found = stack_file.read_stack_file(path, PROJECT)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StackError(f"{path} cannot be read: {error.strerror}") from None
        except stack_file.UnreadableStackFileError as error:
            raise StackError(str(error)) from None
        return {**found.rest, "config": found.config}

    def config(self, stack: str) -> dict[str, Any]:
        found: dict[str, Any] = (self.content(stack) or {"config": {}})["config"]
        return found

    def write(self, stack: str, content: Mapping[str, Any]) -> None:
        """In one step: a run that is killed leaves the whole file or none."""
        path = self.file(stack)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(stack_file.dump_stack_file(content))
        Path(temporary).replace(path)

    def stacks(self) -> dict[str, datetime | None]:
        """The project's stacks in the backend, and when each was changed last."""
        own = self.environment.get("PULUMI_BACKEND_URL")
        backend.heal(own or str(parse_json(self.ask("whoami", "--json")).get("url") or ""), engine.warn)
        rows = json.loads(self.ask("stack", "ls", "--json"))
        return {
            str(row["name"]).rpartition("/")[2]: datetime.fromisoformat(row["lastUpdate"])
            if row.get("lastUpdate")
            else None
            for row in rows
        }

    def state(self, stack: str) -> state.State:
        return state.read(parse_json(self.ask("stack", "export", "--stack", stack)))

    def ask(self, *words: str, given: str = "") -> str:
        return run_pulumi(*words, cwd=self.folder, environment=self.environment, given=given)

    def run(self, *words: str, stack: str, now: datetime, break_lock: bool) -> None:
        """A run that changes the stack, after a lock that a killed run left is taken away.

        Raises LabError where the lock may be of a run that goes on.
        """
        command = [*words, "--stack", stack]
        try:
            engine.run(*command, cwd=self.folder, environment=self.environment)
        except InUseError as error:
            locks = engine.locks(str(error))
            standing = [lock for lock in locks if lock.stands(now)]
            if not break_lock and (standing or not locks):
                who = "; ".join(map(str, standing)) or str(error)
                remedy = "wait until that run has ended; where you know that it was killed: --break-lock."
                raise LabError(stack, [f"another run holds the stack ({who}): {remedy}"]) from None
            engine.say("A run that was killed left its lock: pulumi cancel")
            self.ask("cancel", "--yes", stack)
            engine.run(*command, cwd=self.folder, environment=self.environment)
