"""Errors of `pulumi` reach the operator without what the engine adds to them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from operations.stack import StackError, run_pulumi

pytestmark = pytest.mark.unit

EXITED = "error: an unhandled error occurred: program exited with non-zero exit code: 1\n"
PULUMI = """\
#!{python}
import sys
print({printed!r})
sys.exit(255)
"""


def run_failing_preview(folder: Path, printed: str) -> str:
    """What the operator reads when `pulumi preview --json` prints this text and fails."""
    (folder / "pulumi").write_text(PULUMI.format(python=sys.executable, printed=printed))
    (folder / "pulumi").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    with pytest.raises(StackError) as raised:
        run_pulumi("preview", "--json", cwd=None, environment=environment)
    return str(raised.value)


@pytest.mark.parametrize(
    ("messages", "lines"),
    [
        (["error: dns.ttlSeconds: 4000 is too long\n", EXITED], ["error: dns.ttlSeconds: 4000 is too long"]),
        (["error: one\n", "error: two\n", "error: one\n", EXITED], ["error: one", "error: two"]),
        ([EXITED], [EXITED.strip()]),
    ],
    ids=["the exit code follows the reason", "a reason twice", "only the exit code"],
)
def test_the_exit_code_of_the_program_is_shown_only_if_there_is_no_other_error(
    tmp_path: Path, messages: Sequence[str], lines: Sequence[str]
) -> None:
    digest = {"diagnostics": [{"severity": "error", "message": message} for message in messages]}
    printed = json.dumps({"steps": [], **digest})
    assert run_failing_preview(tmp_path, printed) == "pulumi preview --json ended with 255: " + "\n".join(lines)


@pytest.mark.parametrize("printed", ["no JSON", '{"steps": []}', "[]"])
def test_a_failure_without_a_reason_is_reported_as_one(tmp_path: Path, printed: str) -> None:
    assert run_failing_preview(tmp_path, printed) == "pulumi preview --json ended with 255 and printed no reason."
