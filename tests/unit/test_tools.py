"""Which parts of a rehearsal are real: found on this computer, or stood in for."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from rehearsal import introduction, proof, tools
from rehearsal.__main__ import app
from rehearsal.datacentre import free_ports, is_free
from rehearsal.engine import build
from rehearsal.introduction import introduce
from rehearsal.powershell import lookup
from rehearsal.stack import EngineStack
from rehearsal.stand_ins import language_host
from rehearsal.stand_ins.exchange import Organisation
from rehearsal.stand_ins.language_host import LANGUAGE_HOST
from tests.unit.programs import CONSOLE_HOST, custom_host_answer, official_answer, write_program, write_script

pytestmark = pytest.mark.unit


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with nothing on PATH but /bin/sh's folder, an empty home, no engine and no PowerShell of our own."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(build, "ENGINE", tmp_path / "built" / "pulumi")
    monkeypatch.setattr(lookup, "PLACE", tmp_path / "checkout" / ".tools" / "pwsh")
    monkeypatch.setattr(tools, "REPOSITORY", tmp_path / "checkout")
    return tmp_path


def test_a_pulumi_install_on_path_is_used_whole(computer: Path) -> None:
    engine = write_program(computer / "bin" / "pulumi", "v3.300.1")
    host = write_program(computer / "bin" / LANGUAGE_HOST)
    write_program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    pwsh = write_program(computer / "bin" / "pwsh", official_answer("7.4.12"))
    plugin = computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}"
    write_program(plugin / tools.COMMAND_PLUGIN)
    found = tools.find()
    assert (found.engine, found.language_host, found.command_plugin, found.powershell) == (engine, host, plugin, pwsh)
    assert [by for _, by in found.rows()][:4] == [
        *(f"real: ../{path.relative_to(computer)}" for path in (engine, host, plugin)),
        f"real: 7.4.12, on PATH: {pwsh}",
    ]


def test_an_engine_older_than_the_project_needs_gives_way_to_the_one_built_here(computer: Path) -> None:
    write_program(computer / "bin" / "pulumi", "v3.237.0")
    built = write_program(computer / "built" / "pulumi")
    assert tools.find().engine == built


def test_without_any_engine_the_remedy_is_named(computer: Path) -> None:
    assert not (computer / "built").exists()
    with pytest.raises(tools.ToolMissingError, match="make setup"):
        tools.find()


def test_a_language_host_without_its_executor_is_not_usable(computer: Path) -> None:
    write_program(computer / "bin" / "pulumi", "v3.300.1")
    write_program(computer / "bin" / LANGUAGE_HOST)
    assert tools.find().language_host is None


@pytest.mark.parametrize("folder", ["resource-command-v0.0.1", "resource-command-v{}.partial"])
def test_a_command_provider_of_another_version_or_half_installed_is_not_usable(computer: Path, folder: str) -> None:
    write_program(computer / "bin" / "pulumi", "v3.300.1")
    plugins = computer / "home" / "plugins"
    if "partial" in folder:
        write_program(plugins / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN)
    write_program(plugins / folder.format(version("pulumi-command")) / tools.COMMAND_PLUGIN)
    assert tools.find().command_plugin is None


def test_a_check_for_real_parts_names_each_that_a_pulumi_install_would_bring(
    computer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(computer / "bin" / "pulumi", "v3.300.1")
    told = CliRunner().invoke(app, ["parts", "--real"])
    assert told.exit_code == 1
    assert "Stand-ins replace: Python language host, command provider." in told.stdout
    assert f"pulumi plugin install resource command {version('pulumi-command')}" in told.stdout
    assert CliRunner().invoke(app, ["parts"]).exit_code == 0, "it is a look, unless more is asked for"

    write_program(computer / "bin" / LANGUAGE_HOST)
    write_program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    assert "Stand-ins replace: command provider." in CliRunner().invoke(app, ["parts", "--real"]).stdout
    write_program(
        computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN
    )
    told = CliRunner().invoke(app, ["parts", "--real"])
    assert (told.exit_code, "Stand-ins replace" in told.stdout) == (1, False), "nothing here runs a program"
    assert "Pulumi engine: " in told.stdout.partition("Another program runs than the table shows:")[2]
    monkeypatch.setattr(introduction, "prove", lambda _: [])
    assert CliRunner().invoke(app, ["parts", "--real"]).exit_code == 0


@pytest.fixture
def engine(computer: Path) -> Path:
    return write_program(computer / "bin" / "pulumi", "v3.300.1")


def played_by(found: tools.Tools) -> str:
    return dict(found.rows())["PowerShell"]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "says",
    [
        pytest.param(custom_host_answer("7.6.9"), id="the engine in a host of somebody's own"),
        pytest.param(f"7.6.9|7.6.9-3-g0123abc|{CONSOLE_HOST.format('7.6.9')}", id="built from another commit"),
        pytest.param("7.6.9|7.6.9|Microsoft.PowerShell.ConsoleHost, PublicKeyToken=null", id="built by others"),
    ],
)
def test_only_an_official_build_is_called_real(computer: Path, says: str) -> None:
    pwsh = write_program(computer / "bin" / "pwsh", says)
    found = tools.find()
    assert found.powershell == pwsh
    assert played_by(found) == f"not an official build: 7.6.9, on PATH: {pwsh}"


@pytest.mark.usefixtures("engine")
def test_what_the_set_up_installed_is_used_where_path_has_none_and_says_where_it_is_from(computer: Path) -> None:
    pwsh = write_program(lookup.PLACE / "pwsh", official_answer("7.4.12"))
    (lookup.PLACE / "installed.json").write_text(json.dumps({"origin": "the official release archive"}))
    found = tools.find()
    assert (found.powershell, tools.powershell()) == (pwsh, pwsh)
    assert played_by(found) == "real: 7.4.12, the official release archive"
    write_program(computer / "bin" / "pwsh", official_answer("7.5.0"))
    assert played_by(tools.find()) == f"real: 7.5.0, on PATH: {computer}/bin/pwsh"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("written", [None, "", "[]", "half a {"])
def test_a_powershell_of_which_nothing_readable_was_written_down_is_used_all_the_same(written: str | None) -> None:
    write_program(lookup.PLACE / "pwsh", custom_host_answer("7.6.9"))
    if written is not None:
        (lookup.PLACE / "installed.json").write_text(written)
    assert played_by(tools.find()) == "not an official build: 7.6.9, .tools/pwsh"


@pytest.mark.usefixtures("engine")
def test_a_powershell_beside_the_checkout_is_for_the_set_up_alone(computer: Path) -> None:
    write_program(computer / "shared" / "pwsh" / "pwsh", official_answer())
    found = tools.find()
    assert (found.powershell, played_by(found)) == (None, "stand-in")


@pytest.mark.usefixtures("engine")
def test_a_rehearsal_that_is_to_do_without_powershell_shows_a_stand_in(computer: Path) -> None:
    write_program(computer / "bin" / "pwsh", official_answer())
    assert played_by(dataclasses.replace(tools.find(), powershell=None)) == "stand-in"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'cannot load libhostfxr.so' >&2; exit 131", "exit code 131: cannot load libhostfxr.so"),
        ("echo hello", "exit code 0: hello"),
        ("exit 3", "exit code 3: it says nothing"),
        ("kill -9 $$", "exit code -9: it says nothing"),
    ],
)
def test_a_powershell_that_does_not_start_is_passed_over_with_a_sentence(
    computer: Path, capsys: pytest.CaptureFixture[str], body: str, reason: str
) -> None:
    broken = write_script(computer / "bin" / "pwsh", body)
    installed = write_program(lookup.PLACE / "pwsh", official_answer())
    assert tools.find().powershell == installed
    write_script(installed, body)
    capsys.readouterr()
    assert tools.find().powershell is None
    out, err = capsys.readouterr()
    assert out == "", "what is for programs stays clean"
    assert err.splitlines() == [
        f"powershell: {broken} does not start ({reason}): another is looked for",
        f"powershell: {installed} does not start ({reason}): remove .tools/pwsh and run `make setup`",
    ]


@pytest.mark.usefixtures("engine")
def test_a_powershell_for_another_processor_is_passed_over(computer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alien = write_program(computer / "bin" / "pwsh")
    alien.write_bytes(b"\x7fELF of another world")
    assert tools.find().powershell is None
    assert "Exec format error" in capsys.readouterr().err


@pytest.mark.usefixtures("engine")
def test_a_powershell_that_never_answers_is_passed_over(
    computer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lookup, "PATIENCE", 0.2)
    write_script(computer / "bin" / "pwsh", "while :; do :; done")
    assert tools.find().powershell is None
    assert "no answer within 0.2 s" in capsys.readouterr().err


NEEDS_ICU = f"""\
if [ "$DOTNET_SYSTEM_GLOBALIZATION_INVARIANT" != 1 ]; then
  echo "Process terminated. Couldn't find a valid ICU package installed on the system." >&2
  exit 134
fi
echo '{official_answer()}'
"""


@pytest.mark.usefixtures("engine")
def test_where_the_libraries_for_languages_are_missing_powershell_is_told_to_do_without(
    computer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pwsh = write_script(computer / "bin" / "pwsh", NEEDS_ICU)
    monkeypatch.delenv("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", raising=False)
    monkeypatch.setattr(lookup, "has_icu", lambda: True)
    assert tools.find().powershell is None
    assert "valid ICU package" in capsys.readouterr().err
    monkeypatch.setattr(lookup, "has_icu", lambda: False)
    assert tools.find().powershell == pwsh
    assert environment_of_a_script(tmp_path)["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] == "1"


def test_a_script_runs_with_what_dotnet_is_told_on_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTNET_ROOT", "/opt/dotnet")
    monkeypatch.setenv("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "0")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setattr(lookup, "has_icu", lambda: False)
    environment = environment_of_a_script(tmp_path)
    assert environment["DOTNET_ROOT"] == "/opt/dotnet"
    assert environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] == "0", "what the user says goes"
    assert environment["POWERSHELL_TELEMETRY_OPTOUT"] == "1"
    assert "LANG" not in environment


def environment_of_a_script(folder: Path) -> dict[str, str]:
    names = folder / "names"
    prepared = Organisation(folder / "exchange").prepare(
        folder / "some.ps1", [], pwsh="pwsh", root=folder, computer_name="EX1", logon="password", names=names
    )
    return prepared[1]


LEFT_BEHIND = "the stand-in of an earlier rehearsal"


@pytest.fixture
def install(computer: Path) -> tools.Tools:
    """A host on PATH, with an engine built here beside which a stand-in was left, and an installed provider."""
    write_program(computer / "built" / "pulumi")
    write_program(computer / "built" / LANGUAGE_HOST, LEFT_BEHIND)
    write_program(computer / "bin" / LANGUAGE_HOST)
    write_program(computer / "bin" / f"{LANGUAGE_HOST}-exec")
    write_program(
        computer / "home" / "plugins" / f"resource-command-v{version('pulumi-command')}" / tools.COMMAND_PLUGIN
    )
    return tools.find()


@pytest.mark.parametrize("too_old", [False, True], ids=["no pulumi on PATH", "one that is too old"])
@pytest.mark.parametrize("other", ["bin", "built"])
def test_the_engine_finds_the_parts_that_are_shown_before_all_others(
    computer: Path, install: tools.Tools, monkeypatch: pytest.MonkeyPatch, too_old: bool, other: str
) -> None:
    if too_old:
        write_program(computer / "bin" / "pulumi", "v3.237.0")
    write_program(computer / other / tools.COMMAND_PLUGIN, "a provider of another version")
    for name in ("PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_DEBUG_LANGUAGES"):
        monkeypatch.setenv(name, "python:1")
    assert tools.find() == install
    assert install.language_host
    assert install.command_plugin
    for _ in range(2):  # the second time over what a copy of a rehearsal brought along
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
def test_a_host_that_cannot_run_is_passed_over(
    computer: Path, install: tools.Tools, monkeypatch: pytest.MonkeyPatch, real: bool
) -> None:
    first = write_program(computer / "first" / LANGUAGE_HOST)
    if real:
        first.chmod(0o644)
        write_program(computer / "first" / f"{LANGUAGE_HOST}-exec")
    monkeypatch.setenv("PATH", f"{computer}/first:{computer}/bin")
    assert tools.find().language_host == install.language_host


ENGINE_RAN = ["{built}/pulumi", "up"]
STAND_IN_RAN = ["/usr/bin/python3", "-P", str(Path(language_host.__file__)), "127.0.0.1:1"]


@pytest.mark.parametrize(
    ("program_under", "command_under", "told"),
    [
        ([["{bin}/host", "127.0.0.1:1"], ENGINE_RAN], [["{plugin}"], ENGINE_RAN], []),
        ([STAND_IN_RAN, ENGINE_RAN], [["{plugin}"], ENGINE_RAN], ["Python language host: {bin}/host is shown"]),
        ([["/opt/host"], ENGINE_RAN], [["{plugin}"], ENGINE_RAN], ["Python language host: {bin}/host is shown"]),
        ([["{bin}/host"], ["/opt/pulumi"]], [["{plugin}"], ["/opt/pulumi"]], ["Pulumi engine: {built}/pulumi is"]),
        ([["{bin}/host"], ENGINE_RAN], [["/bin/sh", "-c"]], ["command provider: {plugin} is shown, and /bin/sh"]),
        ([["{bin}/host"], ENGINE_RAN], [["/opt/provider"], ENGINE_RAN], ["command provider: {plugin} is shown"]),
        ([], [], ["Pulumi engine: ", "Python language host: ", "command provider: "]),
    ],
)
def test_a_process_that_is_not_the_one_shown_is_told(
    computer: Path, program_under: list[list[str]], command_under: list[list[str]], told: list[str]
) -> None:
    """The programs themselves, no scripts, which could become another program."""
    places = {name: computer / name for name in ("bin", "built")}
    places["plugin"] = computer / "plugin" / tools.COMMAND_PLUGIN
    for file in (places["bin"] / "host", places["built"] / "pulumi", places["plugin"]):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"\x7fELF")
    shown = tools.Tools(
        engine=places["built"] / "pulumi",
        language_host=places["bin"] / "host",
        command_plugin=places["plugin"].parent,
        powershell=None,
        python=Path("python"),
    )

    def put(rows: list[list[str]]) -> list[list[str]]:
        return [[word.format(**places) for word in row] for row in rows]

    wrong = proof.wrong(proof.played(shown, put(program_under), put(command_under)))
    assert len(wrong) == len(told)
    assert all(text.startswith(start.format(**places)) for text, start in zip(wrong, told, strict=True))


def test_a_stand_in_is_shown_where_one_runs_and_a_script_with_what_it_became(computer: Path) -> None:
    wrapper = write_program(computer / "bin" / "pulumi")
    shown = tools.Tools(engine=wrapper, language_host=None, command_plugin=None, powershell=None, python=Path("python"))
    became = ["/opt/pulumi/pulumi", "up"]
    parts = list(proof.played(shown, [STAND_IN_RAN, became], [["/bin/sh", "-c"]]))
    assert proof.wrong(parts) == []
    [told] = proof.wrapped(parts)
    assert told.startswith(f"Pulumi engine: {wrapper} is a script that ran ")
    assert told.endswith("/opt/pulumi/pulumi up")
    [told] = proof.wrong(proof.played(shown, [["/opt/host"], became], [["/bin/sh", "-c"]]))
    assert told == "Python language host: the stand-in is shown, and /opt/host under /opt/pulumi/pulumi up ran."


@pytest.mark.usefixtures("engine")
def test_a_powershell_that_is_another_one_in_the_environment_of_the_scripts_is_told(computer: Path) -> None:
    body = f"[ \"$EXCHANGE_STANDIN_ROOT\" ] && echo '{official_answer('7.2.0')}' || echo '{official_answer('7.4.12')}'"
    write_script(computer / "bin" / "pwsh", body)
    [told] = proof.wrong_powershell(tools.find(), computer)
    assert told.endswith("in the environment of the scripts it is real: 7.2.0.")
    write_program(computer / "bin" / "pwsh", official_answer("7.4.12"))
    assert list(proof.wrong_powershell(tools.find(), computer)) == []


def test_no_path_is_cut_on_a_narrow_screen(install: tools.Tools) -> None:
    screen = Console(record=True, width=60)
    introduce(install, screen)
    cells = [line.split("│")[2].strip() for line in screen.export_text().splitlines() if line.count("│") == 3]
    for _, by in install.rows()[:3]:
        assert by.replace(" ", "") in "".join(cells).replace(" ", "")


def test_an_address_that_is_not_of_this_computer_is_named_with_the_remedy() -> None:
    with pytest.raises(tools.ToolMissingError, match=r"192\.0\.2\.1.*ifconfig lo0 alias"):
        free_ports(["127.0.0.1", "192.0.2.1"], 1)


def test_a_port_that_is_taken_on_one_address_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.77.0.2", 0))
        assert not is_free("127.77.0.2", taken.getsockname()[1])
        assert is_free("127.77.0.3", taken.getsockname()[1])
