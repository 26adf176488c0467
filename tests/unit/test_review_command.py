"""The command `review`: files, options, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.__main__ import app
from rehearsal.tools import REPOSITORY
from tests.unit.previews import (
    DRAINED,
    ONE,
    SERVERS,
    TWO,
    Review,
    change,
    events,
    machine,
    records,
    stack,
)

pytestmark = pytest.mark.unit


def test_strict_refuses_by_name_and_without_it_the_review_is_the_same(review: Review) -> None:
    unsafe = change(records("delete", [ONE, TWO], None))
    strict, plain = review(unsafe, "--strict"), review(unsafe)
    assert (strict.exit_code, plain.exit_code) == (1, 0)
    assert "**Refused: no-address-left.**" in plain.stdout == strict.stdout
    assert "Refused: no-address-left." in strict.stderr


def test_an_accepted_danger_is_printed_with_its_reason_and_another_one_is_still_refused(review: Review) -> None:
    both = change(records("delete", [ONE, TWO], None), machine("delete", "ex02"))
    accepted = ["--strict", "--allow", "no-address-left=the name is | given up @everyone"]
    result = review(both, *accepted)
    assert result.exit_code == 1
    assert "**Refused: serving-server-lost.**" in result.stdout
    assert "*Accepted:* <code>the name is &#124; given up &#64;<!-- -->everyone</code>" in result.stdout
    result = review(both, *accepted, "--allow", "serving-server-lost=it is empty")
    assert result.exit_code == 0
    assert "**Accepted.**" in result.stdout


def test_all_mistakes_in_allow_are_reported_at_once(review: Review) -> None:
    result = review(change(), "--allow", "zone-deletd=because", "--allow", "zone-deleted=", "--allow", "zone-deleted")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "there is no danger zone-deletd; choose one of no-address-left" in result.stderr
    assert result.stderr.count("write --allow zone-deleted=REASON") == 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"Previewing update",
        b'{"steps": [{"op": "create"}]}',
        b'{"steps": 1}',
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_is_not_a_preview_is_an_error_with_a_remedy(review: Review, content: bytes) -> None:
    result = review(content)
    assert result.exit_code == 2
    assert "preview.json is not the whole output of `pulumi preview --json`" in result.stderr
    assert result.stdout == ""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["review", str(tmp_path / "none.json")])
    assert result.exit_code == 2
    assert "none.json: No such file or directory" in result.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_in_powershells_encoding_is_read(review: Review, encoding: str) -> None:
    assert review(json.dumps(change(DRAINED)).encode(encoding)).stdout == review(change(DRAINED)).stdout


def test_a_failed_preview_is_shown_with_its_dangers_and_exit_code_2(review: Review) -> None:
    failed = change(DRAINED) | {"diagnostics": [{"severity": "error", "message": "error: no ``` such thing"}]}
    result = review(failed)
    assert result.exit_code == 2
    assert "**The preview failed.**" in result.stdout
    assert "````text\nerror: no ``` such thing\n````" in result.stdout
    unsafe = failed | {"steps": [machine("delete", "ex02")]}
    assert review(unsafe, "--strict").exit_code == 1


def test_events_give_the_same_review_as_the_document(review: Review) -> None:
    steps = [stack(**SERVERS), records("update", [ONE, TWO], [ONE], detailedDiff={"aRecords[1]": {"kind": "delete"}})]
    content = {**change(), "steps": steps}
    lines = events(content)
    digested = review(content).stdout
    assert review("\n".join(lines).encode()).stdout == digested
    assert review("\n".join(lines[:-1]).encode()).exit_code == 2, "without an end it is not the whole"
    said = {"diagnosticEvent": {"severity": "error", "message": "<{%fg 1%}>error: <{%reset%}>it broke"}}
    failed = review("\n".join([*lines, json.dumps({"sequence": 9, **said})]).encode())
    assert "```text\nerror: it broke\n```" in failed.stdout


def test_output_writes_the_markdown_to_a_file(review: Review, tmp_path: Path) -> None:
    file = tmp_path / "review.md"
    result = review(change(DRAINED), "--output", str(file))
    assert result.stdout == ""
    assert file.read_text(encoding="utf-8") == review(change(DRAINED)).stdout
    result = review(change(DRAINED), "--output", str(tmp_path / "none" / "review.md"))
    assert result.exit_code == 2
    assert "Name a file in a folder that exists" in result.stderr


def test_the_command_does_not_load_modules_that_only_other_commands_need() -> None:
    """They cost half a second; a review shall take less than one."""
    loaded = "import operations.__main__, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert {"asyncssh", "httpx", "pulumi"}.isdisjoint(modules.stdout.split())
    assert "typer" in modules.stdout.split()
