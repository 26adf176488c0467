"""The stack files whose plans are kept: the examples, and three that together use every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from rehearsal import stack_file
from stacks.arguments import PROJECT

DATA = Path(__file__).parents[1] / "data/plans"
EXAMPLES = ("lab", "prod", "existing")
EVERY_KEY = ("made-here", "joined", "bare")
STACKS = (*EXAMPLES, *EVERY_KEY)


def stack_file_path(stack: str) -> Path:
    return stack_file.find_stack_file(stack) if stack in EXAMPLES else DATA / f"Pulumi.{stack}.yaml"


def read_stack_config(stack: str) -> dict[str, Any]:
    """Its `config:`, with the secrets that the first lines of an example ask for."""
    text = stack_file_path(stack).read_text(encoding="utf-8")
    secrets = re.findall(r"pulumi config set --secret (\w+)", text)
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    return config | {f"{PROJECT}:{name}": {"secure": "v1"} for name in secrets}
