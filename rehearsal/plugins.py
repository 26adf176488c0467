"""The plugins that the table of parts shows, put where the engine looks before all else."""

from __future__ import annotations

import shutil
from pathlib import Path

from rehearsal.engine import build
from rehearsal.stand_ins.language_host import LANGUAGE_HOST, write_launcher
from rehearsal.tools import COMMAND_PLUGIN, Tools

# Variables that lead the engine to other plugins than those on PATH and in its home.
ELSEWHERE = frozenset({"PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_DEBUG_LANGUAGES", "PULUMI_DEBUG_PROVIDERS"})


def link_plugins(tools: Tools, folder: Path, home: Path, search: str) -> Path:
    """The folder to put before all others on PATH, which are `search`. `home` is the engine's own folder of plugins."""
    first = folder / "bin"
    first.mkdir(exist_ok=True)
    host, plugin = tools.language_host, tools.command_plugin
    if host is None:
        # Beside the engine that was built here, where a bundled host lies: the engine then gives no warning.
        beside = tools.engine.parent if tools.engine == build.ENGINE else folder / "stand-ins"
        host = write_launcher(tools.host_folder or beside, tools.python)
    else:
        link(first / f"{LANGUAGE_HOST}-exec", Path(f"{host}-exec"))
    link(first / LANGUAGE_HOST, host)
    if plugin:
        # The engine passes over a folder that is a link itself.
        (home / plugin.name).mkdir(exist_ok=True)
        link(home / plugin.name / COMMAND_PLUGIN, plugin / COMMAND_PLUGIN)
        if shutil.which(COMMAND_PLUGIN, path=search):
            link(first / COMMAND_PLUGIN, plugin / COMMAND_PLUGIN)
    return first


def link(place: Path, target: Path) -> None:
    """In the place of a link that a copy of another rehearsal brought along."""
    place.unlink(missing_ok=True)
    place.symlink_to(target.absolute())
