"""One stack on the real engine: the commands that a user types, with the rehearsal's providers attached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.plugins import PLUGIN_VARIABLES, link_plugins
from rehearsal.tools import REPOSITORY, Tools
from stacks.arguments import PROJECT
from stacks.file import dump_stack_file, read_stack_file

# The engine's operations that change nothing.
UNCHANGED = frozenset({"same", "read", "refresh", "read-discard", "discard"})


class CommandFailedError(Exception):
    """A pulumi command failed; the text has its exit code and what it printed."""


@dataclass(frozen=True)
class EngineStep:
    """What one run did to one resource, from the engine's event log."""

    operation: str
    type: str
    name: str

    @property
    def changes(self) -> bool:
        return self.operation not in UNCHANGED


@dataclass(frozen=True, kw_only=True)
class Update:
    """One `up`, `refresh` or `destroy`: its finished steps in order, its output, and its wall time in seconds."""

    steps: Sequence[EngineStep]
    printed: str
    seconds: float

    @property
    def changes(self) -> list[EngineStep]:
        return [step for step in self.steps if step.changes]

    def changed(self) -> dict[str, str]:
        """Name of each changed resource -> the last operation on it."""
        return {step.name: step.operation for step in self.changes}


class EngineStack:
    """`folder` holds everything that the engine writes: project file, state, plugins, event logs.

    `attached` maps a provider to the port of its stand-in; `program` is the folder of the program and its project file.
    Another `pulumi` process uses the same stack in the folder `project` with the variables `environment`.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        tools: Tools,
        attached: Mapping[str, int],
        passphrase: str,
        program: Path = REPOSITORY,
    ) -> None:
        self.name, self.folder, self._tools, self._program = name, folder, tools, program
        self.project = folder / "project"
        self.file = self.project / "stacks" / f"Pulumi.{name}.yaml"
        self._event_log = folder / "events.jsonl"
        self.environment = self._prepare(attached, passphrase)

    def _prepare(self, attached: Mapping[str, int], passphrase: str) -> dict[str, str]:
        home, state = self.folder / "home", self.folder / "state"
        for needed in (self.file.parent, home / "plugins", state):
            needed.mkdir(parents=True, exist_ok=True)
        self._write_project_file()
        search = os.pathsep.join([str(self._tools.engine.parent), os.environ.get("PATH", os.defpath)])
        plugins = link_plugins(self._tools, self.folder, home / "plugins", search)
        # The computer's settings must not replace a part in the table of parts.
        known = {name: value for name, value in os.environ.items() if name not in PLUGIN_VARIABLES}
        return {
            **known,
            "PATH": os.pathsep.join([str(plugins), search]),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # `--event-log` is a debugging option of the engine.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name, port in attached.items()),
            "PULUMI_PYTHON_CMD": str(self._tools.python),
        }

    def _write_project_file(self) -> None:
        """A separate project file that points to the program, so that the repository's stack files stay unchanged."""
        project = yaml.safe_load((self._program / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["main"] = str(self._program)
        project["runtime"]["options"]["virtualenv"] = sys.prefix
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False), encoding="utf-8")

    def write(self, content: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        """Creates the stack with this stack file; the engine gets secrets on standard input and encrypts them."""
        self.file.write_text(dump_stack_file(content), encoding="utf-8")
        self.run("stack", "init", self.name)
        for key, value in secrets.items():
            self.set_secret(key, value)

    def set_secret(self, key: str, value: str) -> None:
        self.run("config", "set", "--secret", key, "--stack", self.name, input_text=value)

    def change(self, edit: Any) -> None:
        """Edits the stack file: `edit` changes its `config:` block in place."""
        present = read_stack_file(self.file, PROJECT)
        content = {**present.rest, "config": present.config}
        edit(content["config"])
        self.file.write_text(dump_stack_file(content), encoding="utf-8")

    def run(self, *words: str, input_text: str | None = None, show: bool = False) -> str:
        """Runs one `pulumi` command; returns its standard output, printed if `show`. Raises CommandFailedError."""
        with subprocess.Popen(
            [str(self._tools.engine), *words, "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL if input_text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if show else subprocess.PIPE,
            text=True,
        ) as process:
            if show and process.stdout is not None:
                out, err = "".join(echo_lines(process.stdout)), ""
            else:
                out, err = process.communicate(input_text)
        if process.returncode != 0:
            raise CommandFailedError(f"pulumi {' '.join(words)} ended with {process.returncode}:\n{out}{err}")
        return out

    def preview(self, *options: str) -> dict[str, Any]:
        """The digest of `pulumi preview --json`."""
        digest: dict[str, Any] = json.loads(self.run("preview", "--json", "--stack", self.name, *options))
        return digest

    def preview_text(self, *options: str) -> str:
        return self.run("preview", "--diff", "--stack", self.name, *options)

    def up(self, *options: str, show: bool = False) -> Update:
        return self._update("up", "--skip-preview", "--yes", *options, show=show)

    def refresh(self) -> Update:
        return self._update("refresh", "--skip-preview", "--yes")

    def destroy(self, *options: str, show: bool = False) -> Update:
        return self._update("destroy", "--skip-preview", "--yes", *options, show=show)

    def _update(self, word: str, *options: str, show: bool = False) -> Update:
        self._event_log.unlink(missing_ok=True)
        started = time.monotonic()
        # On the screen one line per resource is enough; tests read every property.
        display = () if show else ("--diff",)
        printed = self.run(
            word, *options, "--stack", self.name, "--event-log", str(self._event_log), *display, show=show
        )
        return Update(steps=self._steps(), printed=printed, seconds=time.monotonic() - started)

    def _steps(self) -> list[EngineStep]:
        steps = []
        for line in self._event_log.read_text(encoding="utf-8").splitlines():
            finished = json.loads(line).get("resOutputsEvent")
            if finished:
                metadata = finished["metadata"]
                steps.append(EngineStep(metadata["op"], metadata["type"], metadata["urn"].rpartition("::")[2]))
        return steps

    def outputs(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--stack", self.name))
        return values

    def state(self) -> str:
        """The text of the stack's state file."""
        folder = self.folder / "state" / ".pulumi" / "stacks"
        return next(folder.rglob(f"{self.name}.json")).read_text(encoding="utf-8")

    def urn(self, name: str) -> str:
        """The URN of the resource with this logical name. Raises KeyError unless exactly one resource has it."""
        resources = json.loads(self.state())["checkpoint"]["latest"].get("resources", [])
        urns = [resource["urn"] for resource in resources if resource["urn"].endswith(f"::{name}")]
        if len(urns) != 1:
            raise KeyError(f"{len(urns)} resources are called {name}")
        return str(urns[0])


def echo_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines; each is printed as soon as it is read."""
    for line in lines:
        sys.stdout.write("  │ " + line)
        sys.stdout.flush()
        yield line
