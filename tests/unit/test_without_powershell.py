"""The test suite on a computer without PowerShell: tests that need it are skipped and counted; in CI they fail."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.bare_checkout import BareCheckout
from tests.conftest import NO_POWERSHELL, REMEDY

pytestmark = pytest.mark.unit

# Two files of the scripts tier, and one that needs no PowerShell.
FILES = ("tests/scripts/test_versions.py", "tests/scripts/test_organisation.py", "tests/unit/test_aliases.py")
QUIET = ("-p", "no:cacheprovider", "--color=no")


@pytest.fixture
def bare(tmp_path: Path) -> BareCheckout:
    return BareCheckout(tmp_path / "checkout", Path(sys.executable))


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "side by side"])
def test_tests_that_need_powershell_are_skipped_and_the_summary_counts_them(
    bare: BareCheckout, workers: tuple[str, ...]
) -> None:
    done = bare.run("pytest", *FILES, *QUIET, *workers)
    assert done.returncode == 0, done.stdout
    *_, counted, remedy, closing = done.stdout.rstrip().splitlines()
    totals = re.search(r"(\d+) passed, (\d+) skipped", closing)
    assert totals
    assert int(totals[1]) > 0
    assert int(totals[2]) > 0
    assert counted == f"{totals[2]} tests were skipped: {NO_POWERSHELL}."
    assert remedy == f"To run them, too: {REMEDY}"


def test_in_ci_a_missing_powershell_is_a_failure(bare: BareCheckout) -> None:
    done = bare.run("pytest", *FILES, *QUIET, CI="true")
    assert done.returncode == 1
    assert f"{NO_POWERSHELL}. {REMEDY}" in done.stdout
    assert "skipped" not in done.stdout.rstrip().splitlines()[-1]
