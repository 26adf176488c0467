"""Checks that the parts that run are those on the screen, before a rehearsal and in `make parts OPTIONS=--real`.

Deploys a small stack with the parts of a rehearsal. Its program and its command write their parent processes into
files, and PowerShell prints its version and kind in the environment of the scripts.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rehearsal.powershell import lookup
from rehearsal.stack import EngineStack
from rehearsal.stand_ins import language_host
from rehearsal.stand_ins.command import CommandProvider
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.tools import COMMAND_PLUGIN, REPOSITORY, Tools

PROGRAM = Path(__file__).parent / "program"
STAND_IN = "the stand-in"
Descent = Sequence[Sequence[str]]


class NotAsShownError(Exception):
    """A part on the screen is not the one that runs; the text names each."""


def prove(tools: Tools) -> list[str]:
    """Notes on the table of parts: which program ran where the table shows a script.

    Raises NotAsShownError, or CommandFailedError where the small stack is not deployed.
    """
    with TemporaryDirectory() as scratch, ExitStack() as running:
        folder, attached = Path(scratch), {}
        if tools.command_plugin is None:
            attached["command"] = running.enter_context(CommandProvider(REPOSITORY)).port
        stack = EngineStack("proof", folder, tools, attached, secrets.token_hex(), PROGRAM)
        stack.environment["PROOF"] = json.dumps([str(os.getpid()), str(folder / "program.json")])
        stack.write({"config": {}}, {})
        stack.run("up", "--skip-preview", "--yes", "--stack", stack.name)
        program, command = (read_descent(folder / f"{name}.json") for name in ("program", "command"))
        powershell = list(check_powershell(tools, folder))
    parts = list(list_shown_parts(tools, program, command))
    if problems := [*describe_wrong(parts), *powershell]:
        raise NotAsShownError("\n".join(["Another program runs than the table shows:", *problems]))
    return describe_wrapped(parts)


def read_descent(file: Path) -> Descent:
    """Empty if the file was not written: an executable called `pulumi` can be another program."""
    descent: Descent = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return descent


@dataclass(frozen=True, kw_only=True)
class ShownPart:
    """`shown` is in the table and must be among the processes `ran`; `standing_in`: a stand-in is among them."""

    name: str
    shown: Path | str
    ran: Descent
    standing_in: bool

    def is_as_shown(self) -> bool:
        if self.standing_in or isinstance(self.shown, str):
            return self.standing_in and isinstance(self.shown, str)
        return includes_program(self.ran, self.shown) or self.is_wrapped()

    def is_wrapped(self) -> bool:
        """Whether the table shows a script that started another program in its place."""
        if isinstance(self.shown, str) or not self.ran:
            return False
        return not includes_program(self.ran, self.shown) and is_script(self.shown)


def list_shown_parts(tools: Tools, program: Descent, command: Descent) -> Iterator[ShownPart]:
    engine, host, plugin = tools.engine, tools.language_host, tools.command_plugin
    yield ShownPart(name="Pulumi engine", shown=engine, ran=program, standing_in=False)
    standing_in = includes_program(program, Path(language_host.__file__))
    yield ShownPart(name="Python language host", shown=host or STAND_IN, ran=program, standing_in=standing_in)
    # The provider's stand-in runs in this process, so the command does not descend from the engine.
    provider = plugin / COMMAND_PLUGIN if plugin else STAND_IN
    yield ShownPart(
        name="command provider", shown=provider, ran=command, standing_in=not is_from_same_engine(command, program)
    )


def describe_wrong(parts: Iterable[ShownPart]) -> list[str]:
    """A sentence for each part that is not the one in the table."""
    return [
        f"{part.name}: {part.shown} is shown, and {describe_descent(part.ran)} ran."
        for part in parts
        if not part.is_as_shown()
    ]


def describe_wrapped(parts: Iterable[ShownPart]) -> list[str]:
    """A sentence for each script that started another program."""
    return [
        f"{part.name}: {part.shown} is a script that ran {describe_descent(part.ran)}"
        for part in parts
        if part.is_wrapped()
    ]


def is_from_same_engine(command: Descent, program: Descent) -> bool:
    """Whether the command descends from the engine that ran the program."""
    return bool(command) and bool(program) and command[-1] == program[-1]


def includes_program(ran: Descent, file: Path) -> bool:
    """Whether one of the processes is this program; the executable of a script is its interpreter."""
    paths = (Path(word) for words in ran for word in words)
    return any(path.is_absolute() and path.resolve() == file.resolve() for path in paths)


def is_script(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(2) == b"#!"


def describe_descent(ran: Descent) -> str:
    return " under ".join(" ".join(words[:3]) for words in ran) or "nothing that answers"


def check_powershell(tools: Tools, folder: Path) -> Iterator[str]:
    """Compares the PowerShell in the table with the one that the scripts get: a wrapper on PATH can start another."""
    if not tools.powershell:
        return
    organisation, server = Organisation(folder / "exchange"), folder / "server"
    _, environment = organisation.prepare(
        server, [], pwsh=str(tools.powershell), root=server, computer_name="PROOF", logon="password", names=server
    )
    try:
        ran = lookup.inspect_powershell(tools.powershell, "", environment).describe().removesuffix(", ")
    except lookup.CannotStartError as error:
        ran = f"does not start ({error})"
    if not tools.powershell_kind.startswith(f"{ran}, "):
        yield f"PowerShell: {tools.powershell_kind} is shown, and in the environment of the scripts it is {ran}."
