"""What the deployed program may import, and how its components are named."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.installation import INSTALL
from components.restoration import RESTORE

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = [ROOT / "__main__.py", *(ROOT / "components").glob("*.py"), *(ROOT / "stacks").glob("*.py")]
ALLOWED = {*sys.stdlib_module_names, "pulumi", "pulumi_azure_native", "pulumi_command", "components", "stacks"}
# The packages that the program runs by their names, in other processes.
RUN_BY_NAME = {"restoration": RESTORE, "installation": INSTALL}
ALLOWED_THERE = {*sys.stdlib_module_names, "asyncssh", "components", "connections"}


def imported_packages(file: Path) -> Iterator[str]:
    for part in ast.walk(ast.parse(file.read_text())):
        if isinstance(part, ast.Import):
            yield from (alias.name.split(".")[0] for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            yield (part.module or "").split(".")[0]


def test_the_deployed_program_imports_the_standard_library_and_three_packages_only() -> None:
    # PyYAML comes with Pulumi; one module imports it.
    found = {name for file in DEPLOYED for name in imported_packages(file) if (file.name, name) != ("file.py", "yaml")}
    assert {"pulumi", "pulumi_azure_native", "pulumi_command"} <= found, "the check sees what is imported"
    assert found <= ALLOWED


@pytest.mark.parametrize("package", RUN_BY_NAME)
def test_what_the_program_runs_by_its_name_imports_asyncssh_and_components_only(package: str) -> None:
    assert RUN_BY_NAME[package].partition(" -m ")[2] == (ROOT / package).name
    files = [file for folder in (package, "connections") for file in (ROOT / folder).glob("*.py")]
    found = {name for file in files for name in imported_packages(file)}
    assert {"asyncssh", "components", "connections"} <= found, "the check sees what is imported"
    assert found <= {*ALLOWED_THERE, package}


def test_every_component_has_one_literal_type_token_of_its_own() -> None:
    found = []
    for file in DEPLOYED:
        for part in ast.walk(ast.parse(file.read_text())):
            if isinstance(part, ast.ClassDef) and any("ComponentResource" in ast.unparse(base) for base in part.bases):
                calls = [call for call in ast.walk(part) if isinstance(call, ast.Call)]
                tokens = [
                    call.args[0].value
                    for call in calls
                    if ast.unparse(call.func) == "super().__init__" and isinstance(call.args[0], ast.Constant)
                ]
                assert len(tokens) == 1, part.name
                assert re.fullmatch(rf"exchange-cas:index:{part.name}", str(tokens[0])), part.name
                found.append(tokens[0])
    assert len(found) == len(set(found)) == 5


def test_the_entry_point_stays_a_page() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 40
