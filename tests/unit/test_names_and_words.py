"""One name for one thing, and plain words: what a computer can check of it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.tools import REPOSITORY

pytestmark = pytest.mark.unit

PROGRAM = ("components", "connections", "restoration", "installation", "stacks", "operations", "rehearsal", "policies")
PROSE = (".py", ".md", ".ps1", ".psm1", ".yml", ".yaml", "Makefile")
# Each of them hides who does what. "there is no" and "is no longer" are plain.
COY = re.compile(
    r"\banew\b|\bwho(so)?ever\b|\bnobody\b|(?<!\bthere )\b(is|are|was|were) no (?!longer\b|more than\b)"
    r"|\b(is|are|was|were) said\b|\btold\b|\bnone of (ours|its)\b|\bas it comes\b|\bwhat came of\b",
    re.IGNORECASE,
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    # A copy without git (an archive) has the same folders.
    found = [REPOSITORY / name for name in listed] or [
        path for folder in (*PROGRAM, "tests", "docs") for path in (REPOSITORY / folder).rglob("*")
    ]
    return [path for path in found if path.is_file() and ".venv" not in path.parts]


def definitions(text: str) -> Iterator[str]:
    """The names of the functions and classes of a module."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name


def repeated_names(modules: dict[str, str]) -> dict[str, list[str]]:
    """Name -> the modules that define it, where they are several."""
    found: dict[str, list[str]] = defaultdict(list)
    for module, text in modules.items():
        for name in definitions(text):
            found[name].append(module)
    return {name: places for name, places in found.items() if len(places) > 1}


def coy_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if COY.search(line)]


def test_a_function_or_class_of_the_program_has_a_name_of_its_own() -> None:
    modules = {
        str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
        for path in tracked_files()
        if path.suffix == ".py" and path.relative_to(REPOSITORY).parts[0] in PROGRAM
    }
    assert len(modules) > 100
    repeated = repeated_names(modules)
    repeated.pop("main", None)  # the entry of a program that is started
    assert repeated == {}


def test_a_class_of_the_tests_has_a_name_of_its_own() -> None:
    classes = {
        str(path.relative_to(REPOSITORY)): "\n".join(
            line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"class \w+", line)
        )
        for path in tracked_files()
        if path.suffix == ".py"
    }
    found: dict[str, list[str]] = defaultdict(list)
    for module, text in classes.items():
        for name in re.findall(r"class (\w+)", text):
            found[name].append(module)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_code_and_documents_use_plain_words() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}: {line}"
        for path in tracked_files()
        if path.name.endswith(PROSE) and path != Path(__file__) and not path.name.startswith("requirements")
        for line in coy_lines(path.read_text(encoding="utf-8-sig"))
    ]
    assert found == []


def test_a_repeated_name_and_a_coy_word_are_found() -> None:
    assert repeated_names({"a": "def read(): ...\n", "b": "class read: ...\n"}) == {"read": ["a", "b"]}
    assert coy_lines("A group of nobody.\nIt is no longer here.\nThere is no group.\nThis is no group.\n") == [
        "A group of nobody.",
        "This is no group.",
    ]
