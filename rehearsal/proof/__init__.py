"""Whether what runs is what the screen shows: asked of the processes that run, before a rehearsal and by `make parts`.

A small stack comes up with the parts of a rehearsal, attached as a rehearsal attaches them. Its program and its command
write down which processes they descend from, and PowerShell is asked once more in the environment of the scripts.
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
    """Another program runs than the screen shows; the text names each."""


def prove(tools: Tools) -> list[str]:
    """What people should know beside the table: which program ran where a script is shown.

    Raises NotAsShownError, or CommandFailedError where the small stack does not come up.
    """
    with TemporaryDirectory() as made, ExitStack() as running:
        folder, attached = Path(made), {}
        if tools.command_plugin is None:
            attached["command"] = running.enter_context(CommandProvider(REPOSITORY)).port
        stack = EngineStack("proof", folder, tools, attached, secrets.token_hex(), PROGRAM)
        stack.environment["PROOF"] = json.dumps([str(os.getpid()), str(folder / "program.json")])
        stack.write({"config": {}}, {})
        stack.run("up", "--skip-preview", "--yes", "--stack", stack.name)
        program, command = (answer(folder / f"{name}.json") for name in ("program", "command"))
        powershell = list(wrong_powershell(tools, folder))
    parts = list(played(tools, program, command))
    if problems := [*wrong(parts), *powershell]:
        raise NotAsShownError("\n".join(["Another program runs than the table shows:", *problems]))
    return wrapped(parts)


def answer(file: Path) -> Descent:
    """Empty where nobody answered: what is shown as an engine need not be one."""
    found: Descent = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return found


@dataclass(frozen=True, kw_only=True)
class Part:
    """`shown`: what the table shows; `ran`: the processes among which it has to be; `standing_in`: whether a stand-in
    is among them, which is what the table has to show then."""

    name: str
    shown: Path | str
    ran: Descent
    standing_in: bool

    def as_shown(self) -> bool:
        if self.standing_in or isinstance(self.shown, str):
            return self.standing_in and isinstance(self.shown, str)
        return runs(self.ran, self.shown) or self.is_wrapped()

    def is_wrapped(self) -> bool:
        """A script that became another program: which one is all that can be seen."""
        if isinstance(self.shown, str) or not self.ran:
            return False
        return not runs(self.ran, self.shown) and is_script(self.shown)


def played(tools: Tools, program: Descent, command: Descent) -> Iterator[Part]:
    engine, host, plugin = tools.engine, tools.language_host, tools.command_plugin
    yield Part(name="Pulumi engine", shown=engine, ran=program, standing_in=False)
    standing_in = runs(program, Path(language_host.__file__))
    yield Part(name="Python language host", shown=host or STAND_IN, ran=program, standing_in=standing_in)
    # The provider's stand-in is a part of this process, and no child of the engine.
    provider = plugin / COMMAND_PLUGIN if plugin else STAND_IN
    yield Part(name="command provider", shown=provider, ran=command, standing_in=not children_of(command, program))


def wrong(parts: Iterable[Part]) -> list[str]:
    return [f"{part.name}: {part.shown} is shown, and {told(part.ran)} ran." for part in parts if not part.as_shown()]


def wrapped(parts: Iterable[Part]) -> list[str]:
    return [f"{part.name}: {part.shown} is a script that ran {told(part.ran)}" for part in parts if part.is_wrapped()]


def children_of(command: Descent, program: Descent) -> bool:
    """Whether the command descends from the engine that ran the program."""
    return bool(command) and bool(program) and command[-1] == program[-1]


def runs(ran: Descent, file: Path) -> bool:
    """Whether one of them is this program; of a script, its interpreter is the executable."""
    named = (Path(word) for words in ran for word in words)
    return any(path.is_absolute() and path.resolve() == file.resolve() for path in named)


def is_script(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(2) == b"#!"


def told(ran: Descent) -> str:
    return " under ".join(" ".join(words[:3]) for words in ran) or "nothing that answers"


def wrong_powershell(tools: Tools, folder: Path) -> Iterator[str]:
    """PowerShell once more, in the environment of the scripts: what PATH names may choose by it."""
    if not tools.powershell:
        return
    organisation, server = Organisation(folder / "exchange"), folder / "server"
    _, environment = organisation.prepare(
        server, [], pwsh=str(tools.powershell), root=server, computer_name="PROOF", logon="password", names=server
    )
    try:
        ran = lookup.ask(tools.powershell, "", environment).describe().removesuffix(", ")
    except lookup.CannotStartError as error:
        ran = f"does not start ({error})"
    if not tools.powershell_kind.startswith(f"{ran}, "):
        yield f"PowerShell: {tools.powershell_kind} is shown, and in the environment of the scripts it is {ran}."
