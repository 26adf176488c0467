"""What the deployed program may import, and how its components are named."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.restoration import RESTORE

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = [ROOT / "__main__.py", *(ROOT / "components").glob("*.py"), *(ROOT / "stacks").glob("*.py")]
ALLOWED = {*sys.stdlib_module_names, "pulumi", "pulumi_azure_native", "pulumi_command", "components", "stacks"}
# The package that the program runs by its name, in another process, when a server leaves.
RUN_ON_DELETE = [*(ROOT / "restoration").glob("*.py")]
ALLOWED_ON_DELETE = {*sys.stdlib_module_names, "asyncssh", "components", "restoration"}


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


def test_the_package_that_runs_when_a_server_leaves_imports_asyncssh_and_components_only() -> None:
    assert RESTORE.partition(" -m ")[2] == (ROOT / "restoration").name
    found = {name for file in RUN_ON_DELETE for name in imported_packages(file)}
    assert {"asyncssh", "components"} <= found, "the check sees what is imported"
    assert found <= ALLOWED_ON_DELETE


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
