"""The real parts of a rehearsal, where this computer has them, and what stands in for those it has not."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rehearsal import set_up
from rehearsal.engine import build
from rehearsal.powershell import lookup
from rehearsal.stand_ins.language_host import LANGUAGE_HOST

REPOSITORY = set_up.REPOSITORY
COMMAND_PLUGIN = "pulumi-resource-command"
COMMAND_VERSION = version("pulumi-command")  # the SDK asks for the provider of its own version


class ToolMissingError(Exception):
    """A part without which there is no rehearsal; says how to get it."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Paths of the real parts; None where a stand-in takes the part's place.

    `host_folder` is where the host's stand-in is put, if not in the usual place. `powershell_kind` tells people which
    PowerShell it is: an official build or not, its version, where it is from.
    """

    engine: Path
    language_host: Path | None
    command_plugin: Path | None
    powershell: Path | None
    python: Path
    powershell_kind: str = ""
    host_folder: Path | None = None

    def missing_of_an_install(self) -> list[str]:
        """The parts that a Pulumi install brings and this computer has not; stand-ins take their place."""
        installed = {"Python language host": self.language_host, "command provider": self.command_plugin}
        return [part for part, path in installed.items() if path is None]

    def rows(self) -> list[tuple[str, str]]:
        """Part and what plays it, for people."""
        return [
            ("Pulumi engine", real_or_stand_in(self.engine)),
            ("Python language host", real_or_stand_in(self.language_host)),
            ("command provider", real_or_stand_in(self.command_plugin)),
            ("PowerShell", self.powershell_kind if self.powershell else "stand-in"),
            ("azure-native provider, Azure, Azure DNS", "stand-in"),
            ("servers (SSH, HTTPS), Exchange", "stand-in"),
        ]


def real_or_stand_in(path: Path | None) -> str:
    if path is None:
        return "stand-in"
    nearby = path.is_relative_to(REPOSITORY.parent)
    return f"real: {os.path.relpath(path, REPOSITORY) if nearby else path}"


def find() -> Tools:
    """Looks on this computer. Raises ToolMissingError where there is no engine at all."""
    engine = build.installed() or build.ENGINE
    if not engine.exists():
        raise ToolMissingError("There is no Pulumi engine: run `make setup`, which builds one, or install Pulumi.")
    scripts_run_on = lookup.find()
    return Tools(
        engine=engine,
        language_host=language_host(engine),
        command_plugin=command_plugin(),
        powershell=scripts_run_on.path if scripts_run_on else None,
        python=Path(sys.executable),
        powershell_kind=scripts_run_on.describe() if scripts_run_on else "",
    )


def language_host(engine: Path) -> Path | None:
    """The host beside the engine or on PATH; it works only with its -exec script in the same folder."""
    on_path = (Path(folder) for folder in os.get_exec_path() if Path(folder).is_absolute())
    candidates = (folder / LANGUAGE_HOST for folder in (engine.resolve().parent, *on_path))
    return next((host for host in candidates if is_program(host) and Path(f"{host}-exec").exists()), None)


def command_plugin() -> Path | None:
    """The folder of the installed provider, if it has exactly the version that the SDK asks for."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / f"resource-command-v{COMMAND_VERSION}"
    partial = folder.with_name(folder.name + ".partial")  # an install that broke off; the engine passes it over
    return folder if is_program(folder / COMMAND_PLUGIN) and not partial.exists() else None


def is_program(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK)


def powershell() -> Path | None:
    """The PowerShell that runs the scripts on this computer."""
    found = lookup.find()
    return found.path if found else None


def relative(path: Path) -> Path:
    """As a person in this folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
