"""Links the plugins in the table of parts to where the engine looks first."""

from __future__ import annotations

import shutil
from pathlib import Path

from rehearsal.engine import build
from rehearsal.stand_ins.language_host import LANGUAGE_HOST, write_launcher
from rehearsal.tools import COMMAND_PLUGIN, Tools

# Variables that make the engine use other plugins than those on PATH and in its home.
PLUGIN_VARIABLES = frozenset({"PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_DEBUG_LANGUAGES", "PULUMI_DEBUG_PROVIDERS"})


def link_plugins(tools: Tools, folder: Path, home: Path, search: str) -> Path:
    """The folder to put first on PATH; `search` is the PATH behind it, `home` the engine's folder of plugins."""
    first = folder / "bin"
    first.mkdir(exist_ok=True)
    host, plugin = tools.language_host, tools.command_plugin
    if host is None:
        # The engine warns about a host on PATH, but not about one beside itself.
        beside = tools.engine.parent if tools.engine == build.ENGINE else folder / "stand-ins"
        host = write_launcher(tools.host_folder or beside, tools.python)
    else:
        replace_link(first / f"{LANGUAGE_HOST}-exec", Path(f"{host}-exec"))
    replace_link(first / LANGUAGE_HOST, host)
    if plugin:
        # The engine ignores a folder that is a link itself.
        (home / plugin.name).mkdir(exist_ok=True)
        replace_link(home / plugin.name / COMMAND_PLUGIN, plugin / COMMAND_PLUGIN)
        if shutil.which(COMMAND_PLUGIN, path=search):
            replace_link(first / COMMAND_PLUGIN, plugin / COMMAND_PLUGIN)
    return first


def replace_link(place: Path, target: Path) -> None:
    """Replaces the link that a copied rehearsal contains."""
    place.unlink(missing_ok=True)
    place.symlink_to(target.absolute())
