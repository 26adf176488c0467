"""What a person sees: the story of a rehearsal, and the parts of a Pulumi install where there are any."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.console import Console

from rehearsal import tools
from rehearsal.look import show
from rehearsal.rehearsal import Rehearsal
from rehearsal.story import Story, StoryFailedError, introduce
from tests.engine.conftest import Start
from tests.engine.looks import differences, wanted

pytestmark = pytest.mark.engine

# What an installed provider is to the engine: a program that prints its port and serves until it is ended.
INSTALLED = """\
#!{python}
import sys, threading
sys.path.insert(0, {repository!r})
from rehearsal.stand_ins.command import CommandProvider

with CommandProvider() as provider:
    print(provider.port, flush=True)
    open({started!r}, "w").close()
    threading.Event().wait()
"""


def test_the_story_is_told_from_preview_to_destroy(start: Start) -> None:
    existing = start("existing")
    screen = Console(record=True, width=400)
    Story(existing, screen).tell(keep=False)
    told = screen.export_text()
    for sentence in (
        "0 changes, 0 SSH connections, 0 Exchange cmdlets",
        "promise: 20 s",
        "EX-CAS16-2 owa.InternalUrl: expected https://owa.mail-domain.com/owa",
        "1 cmdlet wrote: Set-OwaVirtualDirectory on EX-CAS16-2",
        "0 left",
    ):
        assert sentence.lower() in told.lower()
    assert not any(secret in told for secret in existing.file.secrets.values())


def typed(*words: str) -> str:
    """What `python -m rehearsal` prints; it has to end well."""
    command = [sys.executable, "-m", "rehearsal", *words]
    done = subprocess.run(command, cwd=tools.REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_protected_stack_is_rehearsed_as_it_is_typed_and_nothing_is_left() -> None:
    told = typed("run", "--stack", "prod")
    assert "unprotected first" in told
    assert "0 left" in told
    assert "came out as promised" in told


def test_a_rehearsal_that_is_kept_can_be_looked_at_afterwards() -> None:
    assert "pulumi destroy" not in typed("run", "--stack", "existing", "--keep")
    assert "Microsoft.Network/privateDnsZones/A" in typed("look", "--stack", "existing")


def test_a_story_that_does_not_come_out_as_promised_says_so(start: Start) -> None:
    existing = start("existing")
    existing.organisation.change("ex-cas16-1", "owa", "InternalUrl", "https://other/owa")
    existing.stack.up()
    existing.organisation.change("ex-cas16-1", "owa", "InternalUrl", "https://other/owa")
    with pytest.raises(StoryFailedError, match="1 settings differ"):
        Story(existing, Console(quiet=True))._show_servers()


def test_a_rehearsal_can_be_looked_at_while_it_runs(start: Start) -> None:
    existing = start("existing")
    existing.stack.up()
    screen = Console(record=True, width=400)
    show(existing.folder, screen)
    seen = screen.export_text()
    for part in ("Microsoft.Network/privateDnsZones/A", "127.16.0.11, 127.16.0.12", "https://owa.mail-domain.com/EWS"):
        assert part in seen


def test_an_installed_command_provider_is_started_by_the_engine_and_the_screen_says_so(
    tmp_path: Path, found: tools.Tools
) -> None:
    plugin = tmp_path / f"resource-command-v{version('pulumi-command')}"
    plugin.mkdir()
    started = tmp_path / "started"
    program = plugin / tools.COMMAND_PLUGIN
    program.write_text(INSTALLED.format(python=sys.executable, repository=str(tools.REPOSITORY), started=str(started)))
    program.chmod(0o755)
    parts = dataclasses.replace(found, command_plugin=plugin)
    screen = Console(record=True, width=200)
    introduce(parts, screen)
    assert f"real: {plugin}" in screen.export_text()
    with Rehearsal("existing", tmp_path / "rehearsal", parts) as rehearsal:
        rehearsal.stack.up()
        assert started.exists()
        assert differences(rehearsal, "ex-cas16-1", wanted("mail-domain.com")) == {}
