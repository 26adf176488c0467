"""This checkout on a computer that has no PowerShell, and where the set-up could bring none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rehearsal.tools import REPOSITORY

LEFT_OUT = (".git", ".venv", ".tools", ".rehearsal", ".*_cache", ".hypothesis", "__pycache__")


class BareCheckout:
    """A copy in `folder`. `engine` is the one that was built there; `python` runs its commands."""

    def __init__(self, folder: Path, python: Path, *, engine: Path | None = None) -> None:
        self._folder, self._python = folder, python
        shutil.copytree(REPOSITORY, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
        if engine:
            built = folder / ".tools" / "bin" / "pulumi"
            built.parent.mkdir(parents=True)
            built.symlink_to(engine)
        search = [part for part in os.environ["PATH"].split(os.pathsep) if not Path(part, "pwsh").exists()]
        known = {name: value for name, value in os.environ.items() if name != "CI" and "PYTEST" not in name}
        self._environment = {**known, "PATH": os.pathsep.join(search)}

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`python -m WORDS`."""
        return subprocess.run(
            [self._python, "-m", *words],
            cwd=self._folder,
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def rehearse(self, *words: str) -> str:
        """What `python -m rehearsal` prints, in one line; it has to end well."""
        done = self.run("rehearsal", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return " ".join(done.stdout.split())
