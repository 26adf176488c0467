"""What a user sees: the steps of a rehearsal, and the parts of a Pulumi install."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rehearsal import limits, tools
from rehearsal.introduction import introduce, show_proof
from rehearsal.look import show_state
from rehearsal.rehearsal import Rehearsal
from rehearsal.stand_ins import language_host
from rehearsal.stand_ins.language_host import LANGUAGE_HOST, write_launcher
from rehearsal.story import Story, StoryFailedError
from tests.bare_checkout import BareCheckout
from tests.engine.conftest import Start
from tests.engine.looks import PROJECT

pytestmark = pytest.mark.engine

# An installed provider: a program that prints its port and serves until it is ended.
INSTALLED = """\
import sys, threading
sys.path.insert(0, {repository!r})
from rehearsal.stand_ins.command import CommandProvider

with CommandProvider() as provider:
    print(provider.port, flush=True)
    threading.Event().wait()
"""


def test_a_rehearsal_shows_every_step_from_preview_to_destroy(start: Start) -> None:
    existing = start("existing", powershell=True)
    screen_text = story_of(existing)
    for sentence in (
        "0 changes, 0 SSH connections, 0 Exchange cmdlets",
        "promise: 20 s",
        "EX-CAS16-2 owa.InternalUrl: expected https://owa.mail-domain.com/owa",
        "1 cmdlet wrote: Set-OwaVirtualDirectory on EX-CAS16-2",
        "0 left",
    ):
        assert sentence.lower() in screen_text.lower()
    assert limits.NOT_SHOWN not in screen_text


def use_other_hosts(config: dict[str, Any]) -> None:
    """Clients connect to a host of another domain, and some URLs have hosts without a record."""
    config[f"{PROJECT}:namespace"]["services"] = {
        "mapi": {"internalUrl": "https://outlook.other.example/mapi"},
        "ews": {"externalUrl": "https://ews.mail-domain.com/EWS/Exchange.asmx"},
        "outlookAnywhere": {"internalHostname": "anywhere.inside.example"},
    }


# Each rehearsal shows these before its last step, also without PowerShell.
SENTENCES = ("0 changes, 0 SSH connections", "promise: 20 s", "owa.InternalUrl: expected")


def test_without_powershell_a_rehearsal_shows_the_same_steps_without_cmdlets(start: Start) -> None:
    """The next tests rehearse the other two stack files with the command."""
    rehearsal = start("lab", use_other_hosts)
    screen_text = story_of(rehearsal)
    assert "→ outlook.other.example →" in screen_text
    assert rehearsal.certificates.covers("ews.mail-domain.com")
    for sentence in (*SENTENCES, "0 left"):
        assert sentence in screen_text
    assert "cmdlet" not in screen_text.lower()


def story_of(rehearsal: Rehearsal) -> str:
    """The text on the screen, from the table of parts on."""
    screen = Console(record=True, width=400)
    introduce(rehearsal.tools, screen)
    Story(rehearsal, screen).run(keep=False)
    screen_text = screen.export_text()
    screen_text = "\n".join(line.rstrip() for line in screen_text.splitlines())
    assert not any(secret in screen_text for secret in rehearsal.file.secrets.values())
    return screen_text


@pytest.fixture
def bare(tmp_path: Path, found: tools.Tools) -> BareCheckout:
    return BareCheckout(tmp_path / "checkout", found.python, engine=found.engine)


def test_a_rehearsal_of_a_protected_stack_leaves_nothing(bare: BareCheckout) -> None:
    screen_text = bare.rehearse("run", "--stack", "prod")
    for sentence in (*SENTENCES, "unprotected first", "0 left", "kept every promise"):
        assert sentence in screen_text
    assert shows_limits_twice(screen_text)


def test_a_rehearsal_that_is_kept_can_be_looked_at_afterwards(bare: BareCheckout) -> None:
    screen_text = bare.rehearse("run", "--stack", "existing", "--keep")
    for sentence in SENTENCES:
        assert sentence in screen_text
    assert "pulumi destroy" not in screen_text
    assert shows_limits_twice(screen_text)
    seen = bare.rehearse("look", "--stack", "existing")
    assert "Microsoft.Network/privateDnsZones/A" in seen
    assert shows_limits_twice(seen)


def shows_limits_twice(screen_text: str) -> bool:
    """Whether the limits stand at the start and at the end; no step may mention cmdlets."""
    assert "cmdlet" not in screen_text.lower()
    return screen_text.count(limits.NOT_SHOWN) == 2 and screen_text.endswith(limits.NOT_SHOWN)


def test_a_step_that_does_not_end_as_promised_is_an_error(deployed: Start) -> None:
    existing = deployed("existing")
    existing.organisation.change("ex-cas16-1", "owa", "InternalUrl", "https://other/owa")
    with pytest.raises(StoryFailedError, match="1 settings differ"):
        Story(existing, Console(quiet=True))._show_servers()


def test_a_rehearsal_can_be_looked_at_while_it_runs(deployed: Start) -> None:
    existing = deployed("existing")
    screen = Console(record=True, width=400)
    show_state(existing.folder, screen)
    seen = screen.export_text()
    for part in (
        "Microsoft.Network/privateDnsZones/A",
        "127.16.0.11, 127.16.0.12",
        "…/EWS/Exchange.asmx",
        "… stands for https://owa.mail-domain.com",
    ):
        assert part in seen


def test_the_parts_of_a_pulumi_install_run_and_are_shown_even_if_a_stand_in_is_left_from_an_earlier_rehearsal(
    tmp_path: Path, found: tools.Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / f"resource-command-v{version('pulumi-command')}"
    write_program(plugin / tools.COMMAND_PLUGIN, INSTALLED.format(repository=str(tools.REPOSITORY)))
    # A copy of the stand-in in another file, so that it counts as another program.
    write_program(tmp_path / "host" / LANGUAGE_HOST, Path(language_host.__file__).read_text(encoding="utf-8"))
    (tmp_path / "host" / f"{LANGUAGE_HOST}-exec").touch()
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "host"), os.environ["PATH"]]))
    write_launcher(found.engine.parent if found.host_folder else tmp_path, found.python)
    host = tools.find_language_host(found.engine)
    parts = dataclasses.replace(found, language_host=host, command_plugin=plugin, powershell=None)
    screen = Console(record=True, width=400)  # no path is divided
    introduce(parts, screen)
    show_proof(parts, screen)
    screen_text = screen.export_text()
    # Beside the checkout the screen shows relative paths.
    for program in (f"host/{LANGUAGE_HOST}", plugin.name):
        assert re.search(rf"real: \S*/{re.escape(tmp_path.name)}/{re.escape(program)}\b", screen_text)
    assert screen_text.endswith("checked: the parts that run are those in the table\n")


def write_program(program: Path, text: str) -> None:
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!{sys.executable} -P\n{text}", encoding="utf-8")
    program.chmod(0o755)
