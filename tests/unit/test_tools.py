"""Which parts of a rehearsal are real: found on this computer, or stood in for."""

from __future__ import annotations

import socket
from importlib.metadata import version
from pathlib import Path

import pytest

from rehearsal import tools
from rehearsal.datacentre import free_ports, is_free
from rehearsal.engine import build
from rehearsal.stand_ins.language_host import LANGUAGE_HOST

pytestmark = pytest.mark.unit


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with nothing on PATH but /bin/sh's folder, an empty home and no engine of our own."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(build, "ENGINE", tmp_path / "built" / "pulumi")
    return tmp_path


def program(path: Path, says: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_a_pulumi_install_on_path_is_used_whole(computer: Path) -> None:
    engine = program(computer / "bin" / "pulumi", "v3.300.1")
    host = program(computer / "bin" / LANGUAGE_HOST)
    program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    pwsh = program(computer / "bin" / "pwsh")
    plugin = computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}"
    program(plugin / tools.COMMAND_PLUGIN)
    found = tools.find()
    assert (found.engine, found.language_host, found.command_plugin, found.powershell) == (engine, host, plugin, pwsh)
    assert [by for _, by in found.rows()][:4] == [f"real: {path}" for path in (engine, host, plugin, pwsh)]


def test_an_engine_older_than_the_project_needs_gives_way_to_the_one_built_here(computer: Path) -> None:
    program(computer / "bin" / "pulumi", "v3.237.0")
    built = program(computer / "built" / "pulumi")
    assert tools.find().engine == built


def test_without_any_engine_the_remedy_is_named(computer: Path) -> None:
    assert not (computer / "built").exists()
    with pytest.raises(tools.ToolMissingError, match="make setup"):
        tools.find()


def test_a_language_host_without_its_executor_is_not_usable(computer: Path) -> None:
    program(computer / "bin" / "pulumi", "v3.300.1")
    program(computer / "bin" / LANGUAGE_HOST)
    assert tools.find().language_host is None


@pytest.mark.parametrize("folder", ["resource-command-v0.0.1", "resource-command-v{}.partial"])
def test_a_command_provider_of_another_version_or_half_installed_is_not_usable(computer: Path, folder: str) -> None:
    program(computer / "bin" / "pulumi", "v3.300.1")
    plugins = computer / "home" / "plugins"
    if "partial" in folder:
        program(plugins / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN)
    program(plugins / folder.format(version("pulumi-command")) / tools.COMMAND_PLUGIN)
    assert tools.find().command_plugin is None


def test_an_address_that_is_not_of_this_computer_is_named_with_the_remedy() -> None:
    with pytest.raises(tools.ToolMissingError, match=r"192\.0\.2\.1.*ifconfig lo0 alias"):
        free_ports(["127.0.0.1", "192.0.2.1"], 1)


def test_a_port_that_is_taken_on_one_address_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.77.0.2", 0))
        assert not is_free("127.77.0.2", taken.getsockname()[1])
        assert is_free("127.77.0.3", taken.getsockname()[1])
