"""A copy of this checkout as on a computer without PowerShell, where the set-up could not fetch one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rehearsal.tools import REPOSITORY

LEFT_OUT = (".git", ".venv", ".tools", ".rehearsal", ".*_cache", ".hypothesis", "__pycache__")


class BareCheckout:
    """A copy in `folder`. `engine` is linked as its built engine; `python` runs its commands."""

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
        """The output of `python -m rehearsal WORDS` in one line; asserts exit code 0."""
        done = self.run("rehearsal", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return " ".join(done.stdout.split())
