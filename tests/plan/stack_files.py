"""The stack files whose plans are kept: the examples, and those that use every key between them."""

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


def path_of(stack: str) -> Path:
    return stack_file.stack_file_path(stack) if stack in EXAMPLES else DATA / f"Pulumi.{stack}.yaml"


def config_of(stack: str) -> dict[str, Any]:
    """Its `config:`, with the secrets that an example's first lines tell to set."""
    text = path_of(stack).read_text(encoding="utf-8")
    told = re.findall(r"pulumi config set --secret (\w+)", text)
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    return config | {f"{PROJECT}:{name}": {"secure": "v1"} for name in told}
