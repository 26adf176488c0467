"""Runs the program as Pulumi's language host does, with a recorder in the engine's place."""

from __future__ import annotations

import asyncio
import base64
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
from tests.plan.plan import RecordedPlan
from tests.plan.recorder import RecordedLog, Recorder

with warnings.catch_warnings():
    # On import, pulumi-command warns about one of its own resources.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pulumi_command.remote import Command as Command

ROOT = Path(__file__).parents[2]
# The secrets' values in tests. No test may find one of these texts in plain.
GIVEN = {name: f"the {name} of the tests" for name in SECRETS} | {
    # Base64 of an ASN.1 sequence, as which the program recognises a PFX.
    "certificatePfx": base64.b64encode(b"\x30 the PFX of the tests").decode()
}


class DeadlockError(Exception):
    """Registrations wait for each other, so none of them is ever sent."""


class DeadlockSelector(selectors.DefaultSelector):
    """Nothing runs beside the event loop, so a loop that would wait forever means a program that does."""

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise DeadlockError("Registrations wait for each other in a circle.")
        return super().select(timeout)


class InlineLoop(asyncio.SelectorEventLoop):
    """Answers calls of the engine at once: no threads, always the same order."""

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
) -> RecordedPlan:
    """What __main__.py registers with the `config:` of a stack file. Raises what the program raises.

    `last`: the stack's outputs after the last `up`. `attached`: virtual machine in Azure -> its data disks.
    """
    return run_program(
        run_entry_point, config, stack=stack, preview=preview, host_keys=host_keys, last=last, attached=attached
    )


def run_entry_point() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def run_program(
    program: Callable[[], None],
    config: Mapping[str, Any],
    *,
    stack: str = "lab",
    preview: bool = False,
    host_keys: bool = True,
    last: Mapping[str, Any] | None = None,
    attached: Mapping[str, list[dict[str, Any]]] | None = None,
) -> RecordedPlan:
    """What `program` registers, run in a separate context."""
    recorder, log = Recorder(preview=preview, host_keys=host_keys, last=last, attached=attached), RecordedLog()
    before = pulumi.log.debug
    try:
        # The SDK keeps a run's state in the context of its thread, so each run gets a new thread.
        with ThreadPoolExecutor(max_workers=1) as apart:
            apart.submit(run_in_context, program, config, stack, preview, recorder, log).result()
    finally:
        # __main__.py disables both for the rest of its process.
        gc.enable()
        pulumi.log.debug = before
    return RecordedPlan(recorder.registrations, recorder.outputs, recorder.calls, log)


def run_in_context(
    program: Callable[[], None],
    config: Mapping[str, Any],
    stack: str,
    preview: bool,
    recorder: Recorder,
    log: RecordedLog,
) -> None:
    # Not set_mocks: its root stack has registered its outputs already, and pulumi.run needs a new one.
    settings = MockSettings(  # type: ignore[no-untyped-call]
        monitor=recorder,
        monitor_features=set(recorder.features()),
        engine=log,
        project=PROJECT,
        stack=stack,
        dry_run=preview,
        organization="organization",
        callbacks=None,
        # Each run waits for this set at its end; the default is one set for all runs.
        outputs=set(),
    )
    configure(settings)
    values, secrets = resolve_config(config)
    runtime_config.set_all_config(values, secrets)
    # Stack traces take a sixth of the time, and no test reads them.
    with (
        patch.object(runtime_resource, "_get_stack_trace", StackTrace),
        asyncio.Runner(loop_factory=InlineLoop) as runner,
    ):
        runner.run(run_in_stack(program))


def resolve_config(config: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """A stack file's configuration as Pulumi passes it on: texts, secrets decrypted, with Pulumi.yaml's defaults."""
    secrets = [name for name, value in config.items() if isinstance(value, dict) and "secure" in value]
    given = {name: GIVEN[name.partition(":")[2]] for name in secrets}
    return {name: to_config_text(value) for name, value in {**read_defaults(), **config, **given}.items()}, secrets


@cache
def read_defaults() -> dict[str, Any]:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    return {f"{PROJECT}:{name}": spec["default"] for name, spec in declared.items() if "default" in spec}


def to_config_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
