"""A copy of a stack where anything may be tried: same project, same names, same settings, a state of its own."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from operations.adopt.look.__main__ import FOLDER
from operations.stack import StackError, parse_json, run_pulumi
from stacks.file import dump_stack_file

LOOK = Path(__file__).parent / "look"
ROOT = Path(__file__).parents[2]


class Scratch:
    """The copy in `folder`, which is the caller's to remove; secrets in it are encrypted with a passphrase of its own.

    Nothing that is done here reaches the stack: another state, and in Azure nothing but reads. Raises StackError.
    """

    def __init__(
        self, stack: str | None, folder: Path, cwd: Path | None, environment: Mapping[str, str] = os.environ
    ) -> None:
        real = partial(run_pulumi, cwd=cwd, environment=environment)
        name = stack or real("stack", "--show-name").strip()
        self.name = name.rpartition("/")[2]
        self._folder, self._project = folder, project_file(cwd or Path.cwd())
        self._content = yaml.safe_load(self._project.read_text(encoding="utf-8"))
        (folder / "state").mkdir()
        own = {
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
            FOLDER: str(folder),
            # LOOK is a program of its own, and a part of this package.
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH")))),
        }
        kept = {key: value for key, value in environment.items() if key != "PULUMI_CONFIG_PASSPHRASE_FILE"}
        self._run = partial(run_pulumi, cwd=folder, environment={**kept, **own})
        self._copy(
            parse_json(real("config", "--json", "--show-secrets", "--stack", name)),
            parse_json(real("stack", "export", "--show-secrets", "--stack", name)),
        )

    def _copy(self, config: Mapping[str, Any], exported: dict[str, Any]) -> None:
        self._program(self._home)
        settings = {
            key: entry.get("objectValue", entry.get("value")) for key, entry in config.items() if not entry["secret"]
        }
        file = self._folder / self._content.get("stackConfigDir", ".") / f"Pulumi.{self.name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump_stack_file({"config": settings}), encoding="utf-8")
        self._run("stack", "init", self.name, "--no-select", "--secrets-provider", "passphrase")
        for key, entry in config.items():
            if entry["secret"]:
                self._run("config", "set", "--secret", key, "--stack", self.name, given=entry["value"])
        deployment = exported["deployment"]
        if deployment.get("resources"):
            # Else the secrets of the copy would be encrypted as the stack's are, by a key that is not here.
            salt = yaml.safe_load(file.read_text(encoding="utf-8"))["encryptionsalt"]
            deployment["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
            self._run("stack", "import", "--stack", self.name, given=json.dumps(exported))

    def preview(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The digest of what the next `up` would do, and the skeleton of an import file of what it would create."""
        skeleton = self._folder / "skeleton.json"
        words = ("preview", "--json", "--show-sames", "--import-file", str(skeleton), "--stack", self.name)
        digest = parse_json(self._run(*words))
        # Where nothing is created, the file names no resources.
        return digest, {"resources": [], **parse_json(skeleton.read_text(encoding="utf-8"))}

    def look(self, wanted: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """URN -> what Azure tells of it; `wanted` as questions.wanted makes it."""
        (self._folder / "wanted.json").write_text(json.dumps(wanted), encoding="utf-8")
        self._program(LOOK)
        try:
            self._run("preview", "--json", "--stack", self.name)
        finally:
            self._program(self._home)
        return parse_json((self._folder / "found.json").read_text(encoding="utf-8"))

    def adopt(self, file: Mapping[str, Any]) -> None:
        path = self._folder / "adopt.json"
        path.write_text(json.dumps(file), encoding="utf-8")
        self._run(*import_words(path, self.name)[1:], "--skip-preview", "--yes")

    @property
    def _home(self) -> Path:
        return self._project.parent / str(self._content.get("main", "."))

    def _program(self, folder: Path) -> None:
        """The project's own file, pointing to that program."""
        content = json.loads(json.dumps(self._content))
        content.pop("backend", None)
        content["main"] = str(folder.resolve())
        options = content["runtime"].get("options", {}) if isinstance(content["runtime"], dict) else {}
        if "virtualenv" in options:
            options["virtualenv"] = str(self._project.parent / options["virtualenv"])
        (self._folder / "Pulumi.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def import_words(file: Path, stack: str) -> list[str]:
    """Without protection, which the stack file decides; without code, which the program has already."""
    return ["pulumi", "import", "--file", str(file), "--stack", stack, "--protect=false", "--generate-code=false"]


def project_file(folder: Path) -> Path:
    """As `pulumi` finds it: here or above. Raises StackError."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / "Pulumi.yaml").exists():
            return place / "Pulumi.yaml"
    raise StackError(f"There is no Pulumi.yaml in {folder} or above. Name the project's folder with --cwd.")
