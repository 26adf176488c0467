"""Which parts of a rehearsal are real on this computer: found, or replaced by stand-ins."""

from __future__ import annotations

import shutil
import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rehearsal import introduction, tools
from rehearsal.__main__ import app
from rehearsal.introduction import introduce
from rehearsal.ports import find_free_ports, is_free
from rehearsal.stack import EngineStack
from rehearsal.stand_ins.language_host import LANGUAGE_HOST
from tests.unit.own_computer import computer as computer
from tests.unit.own_computer import engine as engine
from tests.unit.own_computer import install as install
from tests.unit.programs import official_answer, write_program

pytestmark = pytest.mark.unit


def test_a_pulumi_install_on_path_is_used_whole(computer: Path) -> None:
    engine = write_program(computer / "bin" / "pulumi", "v3.300.1")
    host = write_program(computer / "bin" / LANGUAGE_HOST)
    write_program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    pwsh = write_program(computer / "bin" / "pwsh", official_answer("7.4.12"))
    plugin = computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}"
    write_program(plugin / tools.COMMAND_PLUGIN)
    found = tools.find_tools()
    assert (found.engine, found.language_host, found.command_plugin, found.powershell) == (engine, host, plugin, pwsh)
    assert [by for _, by in found.describe_parts()][:4] == [
        *(f"real: ../{path.relative_to(computer)}" for path in (engine, host, plugin)),
        f"real: 7.4.12, on PATH: {pwsh}",
    ]


def test_an_engine_on_path_that_is_too_old_is_replaced_by_the_one_built_here(computer: Path) -> None:
    write_program(computer / "bin" / "pulumi", "v3.237.0")
    built = write_program(computer / "built" / "pulumi")
    assert tools.find_tools().engine == built


def test_without_any_engine_the_remedy_is_named(computer: Path) -> None:
    assert not (computer / "built").exists()
    with pytest.raises(tools.ToolMissingError, match="make setup"):
        tools.find_tools()


def test_a_language_host_without_its_executor_is_not_usable(computer: Path) -> None:
    write_program(computer / "bin" / "pulumi", "v3.300.1")
    write_program(computer / "bin" / LANGUAGE_HOST)
    assert tools.find_tools().language_host is None


@pytest.mark.parametrize("folder", ["resource-command-v0.0.1", "resource-command-v{}.partial"])
def test_a_command_provider_of_another_version_or_half_installed_is_not_usable(computer: Path, folder: str) -> None:
    write_program(computer / "bin" / "pulumi", "v3.300.1")
    plugins = computer / "home" / "plugins"
    if "partial" in folder:
        write_program(plugins / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN)
    write_program(plugins / folder.format(version("pulumi-command")) / tools.COMMAND_PLUGIN)
    assert tools.find_tools().command_plugin is None


def test_parts_with_real_names_each_part_of_a_pulumi_install_that_is_missing(
    computer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(computer / "bin" / "pulumi", "v3.300.1")
    result = CliRunner().invoke(app, ["parts", "--real"])
    assert result.exit_code == 1
    assert "Stand-ins replace: Python language host, command provider." in result.stdout
    assert f"pulumi plugin install resource command {version('pulumi-command')}" in result.stdout
    assert CliRunner().invoke(app, ["parts"]).exit_code == 0, "without --real it only shows"

    write_program(computer / "bin" / LANGUAGE_HOST)
    write_program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    assert "Stand-ins replace: command provider." in CliRunner().invoke(app, ["parts", "--real"]).stdout
    write_program(
        computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN
    )
    result = CliRunner().invoke(app, ["parts", "--real"])
    assert (result.exit_code, "Stand-ins replace" in result.stdout) == (1, False), "this engine runs no program"
    assert "Pulumi engine: " in result.stdout.partition("Another program runs than the table shows:")[2]
    monkeypatch.setattr(introduction, "prove", lambda _: [])
    assert CliRunner().invoke(app, ["parts", "--real"]).exit_code == 0


@pytest.mark.parametrize("too_old", [False, True], ids=["no pulumi on PATH", "one that is too old"])
@pytest.mark.parametrize("other", ["bin", "built"])
def test_the_engine_finds_the_parts_in_the_table_before_all_others(
    computer: Path, install: tools.Tools, monkeypatch: pytest.MonkeyPatch, too_old: bool, other: str
) -> None:
    if too_old:
        write_program(computer / "bin" / "pulumi", "v3.237.0")
    write_program(computer / other / tools.COMMAND_PLUGIN, "a provider of another version")
    for name in ("PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_DEBUG_LANGUAGES"):
        monkeypatch.setenv(name, "python:1")
    assert tools.find_tools() == install
    assert install.language_host
    assert install.command_plugin
    for _ in range(2):  # the second time over links that exist, as in a copied rehearsal
        environment = EngineStack("lab", computer / "rehearsal", install, {}, "passphrase").environment
    shown = {
        "pulumi": install.engine,
        LANGUAGE_HOST: install.language_host,
        tools.COMMAND_PLUGIN: install.command_plugin / tools.COMMAND_PLUGIN,
    }
    found = {name: Path(str(shutil.which(name, path=environment["PATH"]))) for name in shown}
    assert {name: path.resolve() for name, path in found.items()} == shown
    assert found[LANGUAGE_HOST].with_name(f"{LANGUAGE_HOST}-exec").exists()
    assert not {"PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_DEBUG_LANGUAGES"} & environment.keys()


@pytest.mark.parametrize("real", [True, False], ids=["not executable", "first on PATH without its executor"])
def test_a_host_that_cannot_run_is_ignored(
    computer: Path, install: tools.Tools, monkeypatch: pytest.MonkeyPatch, real: bool
) -> None:
    first = write_program(computer / "first" / LANGUAGE_HOST)
    if real:
        first.chmod(0o644)
        write_program(computer / "first" / f"{LANGUAGE_HOST}-exec")
    monkeypatch.setenv("PATH", f"{computer}/first:{computer}/bin")
    assert tools.find_tools().language_host == install.language_host


def test_no_path_is_cut_on_a_narrow_screen(install: tools.Tools) -> None:
    screen = Console(record=True, width=60)
    introduce(install, screen)
    cells = [line.split("│")[2].strip() for line in screen.export_text().splitlines() if line.count("│") == 3]
    for _, by in install.describe_parts()[:3]:
        assert by.replace(" ", "") in "".join(cells).replace(" ", "")


def test_an_address_that_this_computer_does_not_have_is_an_error_with_the_remedy() -> None:
    with pytest.raises(tools.ToolMissingError, match=r"192\.0\.2\.1.*ifconfig lo0 alias"):
        find_free_ports(["127.0.0.1", "192.0.2.1"], 1)


def test_a_port_that_is_taken_on_one_address_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.77.0.2", 0))
        assert not is_free("127.77.0.2", taken.getsockname()[1])
        assert is_free("127.77.0.3", taken.getsockname()[1])
