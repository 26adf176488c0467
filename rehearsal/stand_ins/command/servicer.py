"""The provider's answers to the engine, resource by resource."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf import struct_pb2
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2 as plugin
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

from rehearsal.stand_ins.command.check import COMMAND, COPY_TO_REMOTE, LOCAL_COMMAND, RUN, InputRecord, check_inputs
from rehearsal.stand_ins.command.diff import diff_inputs, makes_outputs_unknown
from rehearsal.stand_ins.command.interruption import Interruption
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.operations import CommandOperations, needs_copy
from rehearsal.stand_ins.provider import values
from rehearsal.stand_ins.provider.servicer import (
    ProviderError,
    ProviderServicer,
    answer_invoke,
    answering,
    parse_urn,
)
from rehearsal.stand_ins.provider.values import UNKNOWN, Properties

VERSION = "1.2.1"
_RESOURCES = {
    "command:remote:Command": COMMAND,
    "command:remote:CopyToRemote": COPY_TO_REMOTE,
    "command:local:Command": LOCAL_COMMAND,
}
_Result = TypeVar("_Result")
_Operation = pb.CreateRequest | pb.UpdateRequest | pb.DeleteRequest


@dataclass(kw_only=True)
class _Instance:
    """One use of the provider by an engine: preview and update are two, each with its own connection."""

    engine: EngineStub | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class CommandServicer(ProviderServicer):
    """Runs every operation in `loop`, which belongs to another thread."""

    def __init__(self, operations: CommandOperations, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(VERSION)
        self._operations = operations
        self._loop = loop
        self._instances: dict[str, _Instance] = {}
        self._channels: list[grpc.Channel] = []

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    @answering
    def Attach(self, request: plugin.PluginAttach, context: grpc.ServicerContext) -> Empty:
        channel = grpc.insecure_channel(request.address)
        self._channels.append(channel)
        self._instances[context.peer()] = _Instance(engine=EngineStub(channel))
        return Empty()

    @answering
    def Cancel(self, _request: Empty, context: grpc.ServicerContext) -> Empty:
        instance = self._instances.pop(context.peer(), None)
        if instance is not None:
            self._loop.call_soon_threadsafe(instance.cancelled.set)
        return Empty()

    @answering
    def DiffConfig(self, _request: pb.DiffRequest, _context: grpc.ServicerContext) -> None:
        raise ProviderError("DiffConfig is not implemented", grpc.StatusCode.UNIMPLEMENTED)

    @answering
    def Configure(self, _request: pb.ConfigureRequest, _context: grpc.ServicerContext) -> pb.ConfigureResponse:
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True)

    @answering
    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> pb.InvokeResponse:
        """command:local:run, the one function that the provider has."""
        if request.tok != "command:local:run":
            raise ProviderError(f"Invoke '{request.tok}' not found", grpc.StatusCode.NOT_FOUND)
        inputs, failures = check_inputs(RUN, values.read_struct(request.args))
        if failures:
            return pb.InvokeResponse(failures=failures)
        text = values.reveal_all(inputs["command"])
        outputs = self._perform("", 0, context, lambda log, stop: self._operations.run_here(text, inputs, log, stop))
        _refuse_broken_text(outputs)
        return answer_invoke(values.write_struct({**inputs, **outputs}))

    @answering
    def Check(self, request: pb.CheckRequest, _context: grpc.ServicerContext) -> pb.CheckResponse:
        inputs, failures = check_inputs(_find_record(request.urn), values.read_struct(request.news))
        return pb.CheckResponse(inputs=values.write_struct(inputs), failures=failures)

    @answering
    def Diff(self, request: pb.DiffRequest, _context: grpc.ServicerContext) -> pb.DiffResponse:
        old, new = values.read_struct(request.old_inputs), values.read_struct(request.news)
        return diff_inputs(_find_record(request.urn), old, new)

    @answering
    def Read(self, request: pb.ReadRequest, _context: grpc.ServicerContext) -> pb.ReadResponse:
        _find_record(request.urn)
        return pb.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    @answering
    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> pb.CreateResponse:
        inputs = values.read_struct(request.properties)
        suffix = secrets.token_hex(4)
        if _find_record(request.urn) is not COPY_TO_REMOTE:
            state = {**inputs, "stdout": "", "stderr": ""}
            if request.preview:
                state |= {"stdout": UNKNOWN, "stderr": UNKNOWN}
            else:
                state |= self._run(request, context, state, "create")
            return pb.CreateResponse(id=parse_urn(request.urn)[1] + suffix, properties=_write_outputs(state))
        if request.preview:
            return pb.CreateResponse(properties=_write_outputs({**inputs, "source": UNKNOWN}))
        self._copy(request, context, inputs)
        return pb.CreateResponse(id=suffix, properties=_write_outputs(inputs))

    @answering
    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> pb.UpdateResponse:
        old, new = values.read_struct(request.olds), values.read_struct(request.news)
        record = _find_record(request.urn)
        if record is not COPY_TO_REMOTE:
            state = {**new, "stdout": old.get("stdout", ""), "stderr": old.get("stderr", "")}
            if not request.preview:
                state |= self._run(request, context, state, "update" if "update" in new else "create")
            elif makes_outputs_unknown(record, old, new):
                state |= {"stdout": UNKNOWN, "stderr": UNKNOWN}
            return pb.UpdateResponse(properties=_write_outputs(state))
        if request.preview:
            return pb.UpdateResponse(properties=_write_outputs({**new, "source": UNKNOWN}))
        if needs_copy(old, new):
            self._copy(request, context, new)
        return pb.UpdateResponse(properties=_write_outputs(new))

    @answering
    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        if _find_record(request.urn) is not COPY_TO_REMOTE:
            self._run(request, context, values.read_struct(request.properties), "delete")
        return Empty()

    def _run(self, request: _Operation, context: grpc.ServicerContext, state: Properties, which: str) -> Properties:
        """The outputs of the command text under that name; {} if the state has no such text."""
        text = values.reveal_all(state.get(which))
        if text is None:
            return {}
        run = self._operations.run_here if _find_record(request.urn) is LOCAL_COMMAND else self._operations.run
        outputs = self._perform(request.urn, request.timeout, context, lambda log, stop: run(text, state, log, stop))
        if which != "delete":  # its outputs are not sent to the engine
            _refuse_broken_text(outputs)
        return outputs

    def _copy(self, request: _Operation, context: grpc.ServicerContext, inputs: Properties) -> None:
        self._perform(request.urn, request.timeout, context, lambda log, stop: self._operations.copy(inputs, log, stop))

    def _perform(
        self,
        urn: str,
        timeout: float,
        context: grpc.ServicerContext,
        work: Callable[[EngineLog, Interruption], Coroutine[None, None, _Result]],
    ) -> _Result:
        instance = self._instances.get(context.peer(), _Instance())
        log = EngineLog(instance.engine, urn)

        async def work_interruptibly() -> _Result:
            return await work(log, Interruption(instance.cancelled, timeout))

        future = asyncio.run_coroutine_threadsafe(work_interruptibly(), self._loop)
        context.add_callback(future.cancel)
        try:
            return future.result()
        except CancelledError as error:
            raise ProviderError("the caller or the provider stopped", grpc.StatusCode.CANCELLED) from error
        finally:
            log.deliver()


def _find_record(urn: str) -> InputRecord:
    token, _ = parse_urn(urn)
    if token not in _RESOURCES:
        raise ProviderError(f"Resource type '{token}' not found", grpc.StatusCode.NOT_FOUND)
    return _RESOURCES[token]


def _refuse_broken_text(outputs: Properties) -> None:
    """The command has run by then, but the provider cannot send output that is not UTF-8, so the operation fails."""
    try:
        "".join(outputs.values()).encode()
    except UnicodeEncodeError:
        message = "grpc: error while marshaling: string field contains invalid UTF-8"
        raise ProviderError(message, grpc.StatusCode.INTERNAL) from None


def _write_outputs(state: Properties) -> struct_pb2.Struct:
    outputs = {name: values.complete_asset(value) for name, value in state.items()}
    if "connection" in outputs:
        outputs["connection"] = values.mark_secret(outputs["connection"])
    return values.write_struct(outputs)
