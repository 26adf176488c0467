"""A copy of a stack to try an import on: same project, names and settings, but its own state."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from operations.adopt.azure_program.__main__ import FOLDER
from operations.adopt.import_file import build_import_command
from operations.stack import StackError, parse_json, run_pulumi
from stacks.file import dump_stack_file

AZURE_PROGRAM = Path(__file__).parent / "azure_program"
ROOT = Path(__file__).parents[2]


class StackCopy:
    """Lies in `folder`, which the caller removes; a new passphrase encrypts its secrets. Raises StackError.

    It never changes the stack, and only reads from Azure.
    """

    def __init__(
        self, stack: str | None, folder: Path, cwd: Path | None, environment: Mapping[str, str] = os.environ
    ) -> None:
        run_original = partial(run_pulumi, cwd=cwd, environment=environment)
        name = stack or run_original("stack", "--show-name").strip()
        self.name = name.rpartition("/")[2]
        self._folder, self._project_file = folder, find_project_file(cwd or Path.cwd())
        self._project = yaml.safe_load(self._project_file.read_text(encoding="utf-8"))
        self._program = self._project_file.parent / str(self._project.get("main", "."))
        (folder / "state").mkdir()
        variables = {
            "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
            FOLDER: str(folder),
            # Pulumi starts AZURE_PROGRAM as its own program, but it imports this package.
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH")))),
        }
        inherited = {key: value for key, value in environment.items() if key != "PULUMI_CONFIG_PASSPHRASE_FILE"}
        self._run = partial(run_pulumi, cwd=folder, environment={**inherited, **variables})
        self._fill(
            parse_json(run_original("config", "--json", "--show-secrets", "--stack", name)),
            parse_json(run_original("stack", "export", "--show-secrets", "--stack", name)),
        )

    def _fill(self, config: Mapping[str, Any], export: dict[str, Any]) -> None:
        self._point_to(self._program)
        plain = {
            key: entry.get("objectValue", entry.get("value")) for key, entry in config.items() if not entry["secret"]
        }
        file = self._folder / self._project.get("stackConfigDir", ".") / f"Pulumi.{self.name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump_stack_file({"config": plain}), encoding="utf-8")
        self._run("stack", "init", self.name, "--no-select", "--secrets-provider", "passphrase")
        for key, entry in config.items():
            if entry["secret"]:
                self._run("config", "set", "--secret", key, "--stack", self.name, given=entry["value"])
        deployment = export["deployment"]
        if deployment.get("resources"):
            # Otherwise Pulumi would encrypt the copy's secrets with the stack's key, which may not be at hand.
            salt = yaml.safe_load(file.read_text(encoding="utf-8"))["encryptionsalt"]
            deployment["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
            self._run("stack", "import", "--stack", self.name, given=json.dumps(export))

    def preview(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The digest of the next `up`, and the import file of what it would create, whose ids are placeholders."""
        skeleton = self._folder / "skeleton.json"
        words = ("preview", "--json", "--show-sames", "--import-file", str(skeleton), "--stack", self.name)
        digest = parse_json(self._run(*words))
        # The key is missing where the `up` would create nothing.
        return digest, {"resources": [], **parse_json(skeleton.read_text(encoding="utf-8"))}

    def look_up(self, questions: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """URN -> Azure's answer (see azure_program); `questions` as list_questions yields them."""
        (self._folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
        self._point_to(AZURE_PROGRAM)
        try:
            self._run("preview", "--json", "--stack", self.name)
        finally:
            self._point_to(self._program)
        return parse_json((self._folder / "answers.json").read_text(encoding="utf-8"))

    def adopt(self, file: Mapping[str, Any]) -> None:
        """Imports into the copy."""
        path = self._folder / "adopt.json"
        path.write_text(json.dumps(file), encoding="utf-8")
        self._run(*build_import_command(path, self.name)[1:], "--skip-preview", "--yes")

    def _point_to(self, program: Path) -> None:
        """Writes the project file with this folder as the program."""
        content = json.loads(json.dumps(self._project))
        content.pop("backend", None)
        content["main"] = str(program.resolve())
        options = content["runtime"].get("options", {}) if isinstance(content["runtime"], dict) else {}
        if "virtualenv" in options:
            options["virtualenv"] = str(self._project_file.parent / options["virtualenv"])
        (self._folder / "Pulumi.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def find_project_file(folder: Path) -> Path:
    """In the folder or above it, as `pulumi` searches. Raises StackError."""
    for place in (folder.resolve(), *folder.resolve().parents):
        if (place / "Pulumi.yaml").exists():
            return place / "Pulumi.yaml"
    raise StackError(f"There is no Pulumi.yaml in {folder} or above. Name the project's folder with --cwd.")
