"""Fixtures and the summary that every tier shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from rehearsal import tools
from tests.warm_powershell import AVAILABLE, WarmPowerShell

NO_POWERSHELL = "PowerShell is missing, and this test runs the scripts that go to servers"
REMEDY = "`make setup` brings PowerShell where it can download it; or install it: https://aka.ms/powershell"


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """A shell's background jobs, and every program that they start, ignore Ctrl-C: restore its default."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def cold_powershell() -> Path:
    """The PowerShell of this computer, which starts a process for each script.

    Without one the test is skipped; with `CI` set it fails, because CI runs every test.
    """
    found = tools.find_powershell()
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{NO_POWERSHELL}. {REMEDY}")
    if found is None:
        pytest.skip(NO_POWERSHELL)
    return found


@pytest.fixture(scope="session")
def powershell(cold_powershell: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A launcher with the arguments of `pwsh`. Its processes run one script after the other (tests/warm_powershell)."""
    if not AVAILABLE:
        yield cold_powershell
        return
    with WarmPowerShell(cold_powershell, tmp_path_factory.mktemp("powershell")) as warm:
        yield warm.launcher


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Prints below everything else how many tests were skipped for want of PowerShell."""
    yield
    skipped = [report for report in terminalreporter.getreports("skipped") if NO_POWERSHELL in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests were skipped: {NO_POWERSHELL}.", yellow=True)
        terminalreporter.write_line(f"To run them, too: {REMEDY}", yellow=True)
