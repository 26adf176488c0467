"""The farm marks passwords as secret itself, so that a program without a stack file is safe, too."""

from __future__ import annotations

import pytest

from components.farm import ClientAccessFarm
from stacks.arguments import PROJECT, read_config_block
from stacks.changes import find_joining_servers
from tests.plan import stack_files
from tests.plan.program import GIVEN, run_program
from tests.plan.promises.whole import no_secret_is_in_plain
from tests.plan.wire import strip_secrets


@pytest.mark.parametrize("stack", stack_files.STACKS)
def test_no_password_given_in_plain_is_registered_in_plain(stack: str) -> None:
    config = stack_files.read_stack_config(stack)
    used = [name for name in GIVEN if f"{PROJECT}:{name}" in config]
    args = read_config_block({**config, **{f"{PROJECT}:{name}": GIVEN[name] for name in used}})

    def program() -> None:
        ClientAccessFarm("cas", args, joining_servers=find_joining_servers(args, {}))

    made = run_program(program, {}, stack=stack)

    registered = str([strip_secrets(dict(one.inputs)) for one in made.resources.values()])
    assert [name for name in used if GIVEN[name] in registered], "the plan holds some of them"
    assert "domainPassword" not in used or GIVEN["domainPassword"] in registered
    assert list(no_secret_is_in_plain(made, args)) == []
