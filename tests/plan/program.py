"""The program, run as Pulumi's language host runs it, under a recorder in the engine's place."""

from __future__ import annotations

import asyncio
import gc
import json
import runpy
import selectors
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import yaml
from pulumi.runtime import config as runtime_config
from pulumi.runtime import resource as runtime_resource
from pulumi.runtime.mocks import MockSettings
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from stacks.arguments import PROJECT, SECRETS
from tests.plan.plan import Plan
from tests.plan.recorder import Log, Recorder

with warnings.catch_warnings():
    # pulumi-command warns of a resource of its own, whoever imports it.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pulumi_command.remote import Command as Command

ROOT = Path(__file__).parents[2]
# What a test gives for `secure:` in a stack file; none of these texts may ever be seen in plain.
GIVEN = {name: f"the {name} of the tests" for name in SECRETS}


class DeadlockError(Exception):
    """Registrations wait for each other, so none of them is ever made."""


class DeadlockSelector(selectors.DefaultSelector):
    """Nothing else runs beside the event loop, so a loop that would wait for ever is a program that does."""

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise DeadlockError("Registrations wait for each other in a circle.")
        return super().select(timeout)


class InlineLoop(asyncio.SelectorEventLoop):
    """Calls of the engine are answered where they are made: no threads, always the same order."""

    def __init__(self) -> None:
        super().__init__(DeadlockSelector())

    def run_in_executor(  # type: ignore[override]
        self, _: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 (the future carries it, as from a thread)
            done.set_exception(error)
        return done


def plan(
    config: Mapping[str, Any],
    *,
    stack: str = "lab",
    preview: bool = False,
    host_keys: bool = True,
    last: Mapping[str, Any] | None = None,
    attached: Mapping[str, list[dict[str, Any]]] | None = None,
) -> Plan:
    """What __main__.py registers with the `config:` of a stack file. Raises what it raises, after all has settled.

    `last`: the stack's outputs as the last `up` left them. `attached`: virtual machine in Azure -> its data disks.
    """
    return run(main, config, stack=stack, preview=preview, host_keys=host_keys, last=last, attached=attached)


def main() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def run(
    program: Callable[[], None],
    config: Mapping[str, Any],
    *,
    stack: str = "lab",
    preview: bool = False,
    host_keys: bool = True,
    last: Mapping[str, Any] | None = None,
    attached: Mapping[str, list[dict[str, Any]]] | None = None,
) -> Plan:
    """`program` in a context of its own."""
    recorder, log = Recorder(preview=preview, host_keys=host_keys, last=last, attached=attached), Log()
    before = pulumi.log.debug
    try:
        # A thread has a context of its own, where the SDK keeps all that it knows of a run.
        with ThreadPoolExecutor(max_workers=1) as apart:
            apart.submit(in_context, program, config, stack, preview, recorder, log).result()
    finally:
        # __main__.py turns both off for the short life of its process.
        gc.enable()
        pulumi.log.debug = before
    return Plan(recorder.registrations, recorder.outputs, recorder.calls, log)


def in_context(
    program: Callable[[], None], config: Mapping[str, Any], stack: str, preview: bool, recorder: Recorder, log: Log
) -> None:
    # Not set_mocks: it makes a root stack whose outputs are registered already, and pulumi.run needs one that begins.
    settings = MockSettings(  # type: ignore[no-untyped-call]
        monitor=recorder,
        monitor_features=set(recorder.features()),
        engine=log,
        project=PROJECT,
        stack=stack,
        dry_run=preview,
        organization="organization",
        callbacks=None,
        # What every run waits for at its end: left out, it would be one set for all runs.
        outputs=set(),
    )
    configure(settings)
    values, secrets = told(config)
    runtime_config.set_all_config(values, secrets)
    # Where in the program a resource comes from is a sixth of the work, and nothing here asks for it.
    with (
        patch.object(runtime_resource, "_get_stack_trace", StackTrace),
        asyncio.Runner(loop_factory=InlineLoop) as runner,
    ):
        runner.run(run_in_stack(program))


def told(config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """A stack file's configuration as Pulumi hands it on: defaults of Pulumi.yaml, texts, secrets decrypted."""
    secrets = [name for name, value in config.items() if isinstance(value, dict) and "secure" in value]
    given = {name: GIVEN[name.partition(":")[2]] for name in secrets}
    return {name: as_text(value) for name, value in {**defaults(), **config, **given}.items()}, secrets


@cache
def defaults() -> dict[str, Any]:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return {f"{PROJECT}:{name}": spec["default"] for name, spec in declared.items() if "default" in spec}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
