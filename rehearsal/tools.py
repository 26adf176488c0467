"""Finds the real parts of a rehearsal on this computer; stand-ins replace those that are missing."""

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
COMMAND_VERSION = version("pulumi-command")  # the SDK needs the provider of the same version


class ToolMissingError(Exception):
    """A rehearsal cannot start; the text has the remedy."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Paths of the real parts; None where a stand-in replaces the part.

    `host_folder`: where the language host's stand-in is written, if not in the default folder. `powershell_kind`:
    whether PowerShell is an official build, its version and its origin.
    """

    engine: Path
    language_host: Path | None
    command_plugin: Path | None
    powershell: Path | None
    python: Path
    powershell_kind: str = ""
    host_folder: Path | None = None

    def missing_install_parts(self) -> list[str]:
        """The parts of a Pulumi install that this computer does not have."""
        installed = {"Python language host": self.language_host, "command provider": self.command_plugin}
        return [part for part, path in installed.items() if path is None]

    def describe_parts(self) -> list[tuple[str, str]]:
        """(part, real or stand-in) for the table on the screen."""
        return [
            ("Pulumi engine", describe_part(self.engine)),
            ("Python language host", describe_part(self.language_host)),
            ("command provider", describe_part(self.command_plugin)),
            ("PowerShell", self.powershell_kind if self.powershell else "stand-in"),
            ("azure-native provider, Azure, Azure DNS", "stand-in"),
            ("servers (SSH, HTTPS), Exchange", "stand-in"),
        ]


def describe_part(path: Path | None) -> str:
    if path is None:
        return "stand-in"
    nearby = path.is_relative_to(REPOSITORY.parent)
    return f"real: {os.path.relpath(path, REPOSITORY) if nearby else path}"


def find_tools() -> Tools:
    """Looks on this computer. Raises ToolMissingError without an engine."""
    engine = build.find_installed_engine() or build.ENGINE
    if not engine.exists():
        raise ToolMissingError("No Pulumi engine found: run `make setup`, which builds one, or install Pulumi.")
    powershell = lookup.locate_powershell()
    return Tools(
        engine=engine,
        language_host=find_language_host(engine),
        command_plugin=find_command_plugin(),
        powershell=powershell.path if powershell else None,
        python=Path(sys.executable),
        powershell_kind=powershell.describe() if powershell else "",
    )


def find_language_host(engine: Path) -> Path | None:
    """The language host beside the engine or on PATH; it works only with its -exec script in the same folder."""
    on_path = (Path(folder) for folder in os.get_exec_path() if Path(folder).is_absolute())
    candidates = (folder / LANGUAGE_HOST for folder in (engine.resolve().parent, *on_path))
    return next((host for host in candidates if is_program(host) and Path(f"{host}-exec").exists()), None)


def find_command_plugin() -> Path | None:
    """The folder of the installed provider, if it has exactly the SDK's version."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / f"resource-command-v{COMMAND_VERSION}"
    partial = folder.with_name(folder.name + ".partial")  # an interrupted install, which the engine ignores
    return folder if is_program(folder / COMMAND_PLUGIN) and not partial.exists() else None


def is_program(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK)


def find_powershell() -> Path | None:
    """The PowerShell that runs the scripts on this computer."""
    powershell = lookup.locate_powershell()
    return powershell.path if powershell else None


def relative_to_here(path: Path) -> Path:
    """The path as a user in the current folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
