"""A part that runs and is not the one on the screen is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import proof, tools
from rehearsal.stand_ins import language_host
from tests.unit.own_computer import computer as computer
from tests.unit.own_computer import engine as engine
from tests.unit.own_computer import install as install
from tests.unit.programs import official_answer, write_program, write_script

pytestmark = pytest.mark.unit

ENGINE_RAN = ["{built}/pulumi", "up"]


STAND_IN_RAN = ["/usr/bin/python3", "-P", str(Path(language_host.__file__)), "127.0.0.1:1"]


@pytest.mark.parametrize(
    ("program_under", "command_under", "problems"),
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
def test_a_part_that_runs_and_is_not_in_the_table_is_found(
    computer: Path, program_under: list[list[str]], command_under: list[list[str]], problems: list[str]
) -> None:
    """With binaries: a script could start another program."""
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

    wrong = proof.describe_wrong(proof.list_shown_parts(shown, put(program_under), put(command_under)))
    assert len(wrong) == len(problems)
    assert all(text.startswith(start.format(**places)) for text, start in zip(wrong, problems, strict=True))


def test_a_stand_in_is_recognised_and_a_script_is_shown_with_the_program_it_started(computer: Path) -> None:
    wrapper = write_program(computer / "bin" / "pulumi")
    shown = tools.Tools(engine=wrapper, language_host=None, command_plugin=None, powershell=None, python=Path("python"))
    became = ["/opt/pulumi/pulumi", "up"]
    parts = list(proof.list_shown_parts(shown, [STAND_IN_RAN, became], [["/bin/sh", "-c"]]))
    assert proof.describe_wrong(parts) == []
    [problems] = proof.describe_wrapped(parts)
    assert problems.startswith(f"Pulumi engine: {wrapper} is a script that ran ")
    assert problems.endswith("/opt/pulumi/pulumi up")
    [problems] = proof.describe_wrong(proof.list_shown_parts(shown, [["/opt/host"], became], [["/bin/sh", "-c"]]))
    assert problems == "Python language host: the stand-in is shown, and /opt/host under /opt/pulumi/pulumi up ran."


@pytest.mark.usefixtures("engine")
def test_another_powershell_in_the_environment_of_the_scripts_is_found(computer: Path) -> None:
    body = f"[ \"$EXCHANGE_STANDIN_ROOT\" ] && echo '{official_answer('7.2.0')}' || echo '{official_answer('7.4.12')}'"
    write_script(computer / "bin" / "pwsh", body)
    [problems] = proof.check_powershell(tools.find_tools(), computer)
    assert problems.endswith("in the environment of the scripts it is real: 7.2.0.")
    write_program(computer / "bin" / "pwsh", official_answer("7.4.12"))
    assert list(proof.check_powershell(tools.find_tools(), computer)) == []
