"""A program for Pulumi: it, and its one command, write down which processes started them.

As a command: `python __main__.py STARTER FILE`. The program takes both from PROOF, as JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
import sys
from pathlib import Path

import psutil


def descent(starter: int) -> list[list[str]]:
    """The command line of each process between this one and the starter, this one's parent first; the executable in
    the place of its name. Empty where this process does not descend from the starter."""
    parents = psutil.Process().parents()
    if starter not in (process.pid for process in parents):
        return []
    between = itertools.takewhile(lambda process: process.pid != starter, parents)
    return [[process.exe(), *process.cmdline()[1:]] for process in between]


def main() -> None:
    asked = sys.argv[1:] or json.loads(os.environ["PROOF"])
    answer = Path(asked[1])
    answer.write_text(json.dumps(descent(int(asked[0]))), encoding="utf-8")
    if not sys.argv[1:]:
        from pulumi_command import local

        command = [sys.executable, str(Path(__file__).resolve()), asked[0], str(answer.with_name("command.json"))]
        local.Command("descent", create=shlex.join(command))


if __name__ == "__main__":
    main()
