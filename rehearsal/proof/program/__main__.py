"""A Pulumi program that writes the processes that started it into a file; its one command does the same.

The command runs `python __main__.py STARTER FILE`. The program reads [STARTER, FILE] from the variable PROOF, as JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
import sys
from pathlib import Path

import psutil


def list_ancestors(starter: int) -> list[list[str]]:
    """The command lines of the processes between this one and the process `starter`, nearest first.

    The first word of each is the path of the executable. Empty if this process does not descend from the starter.
    """
    parents = psutil.Process().parents()
    if starter not in (process.pid for process in parents):
        return []
    between = itertools.takewhile(lambda process: process.pid != starter, parents)
    return [[process.exe(), *process.cmdline()[1:]] for process in between]


def main() -> None:
    starter, file_name = sys.argv[1:] or json.loads(os.environ["PROOF"])
    file = Path(file_name)
    file.write_text(json.dumps(list_ancestors(int(starter))), encoding="utf-8")
    if not sys.argv[1:]:
        from pulumi_command import local

        command = [sys.executable, str(Path(__file__).resolve()), starter, str(file.with_name("command.json"))]
        local.Command("descent", create=shlex.join(command))


if __name__ == "__main__":
    main()
