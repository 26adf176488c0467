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

from rehearsal.stand_ins.command import values
from rehearsal.stand_ins.command.check import COMMAND, COPY_TO_REMOTE, LOCAL_COMMAND, RUN, Failure, InputRecord, check
from rehearsal.stand_ins.command.diff import diff, unsettles
from rehearsal.stand_ins.command.errors import Interruption, OperationError
from rehearsal.stand_ins.command.log import EngineLog
from rehearsal.stand_ins.command.operations import CommandOperations, copies
from rehearsal.stand_ins.command.values import UNKNOWN, Properties
from rehearsal.stand_ins.no_handshake import NoHandshake

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
    """One use of the provider by one engine; preview and update are two, each with a connection of its own."""

    engine: EngineStub | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


class CommandServicer(NoHandshake):
    """Runs every operation in `loop`, which belongs to another thread."""

    def __init__(self, operations: CommandOperations, loop: asyncio.AbstractEventLoop) -> None:
        self._operations = operations
        self._loop = loop
        self._instances: dict[str, _Instance] = {}
        self._channels: list[grpc.Channel] = []

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    def Attach(self, request: plugin.PluginAttach, context: grpc.ServicerContext) -> Empty:
        channel = grpc.insecure_channel(request.address)
        self._channels.append(channel)
        self._instances[context.peer()] = _Instance(engine=EngineStub(channel))
        return Empty()

    def Cancel(self, _request: Empty, context: grpc.ServicerContext) -> Empty:
        instance = self._instances.pop(context.peer(), None)
        if instance is not None:
            self._loop.call_soon_threadsafe(instance.cancelled.set)
        return Empty()

    def GetPluginInfo(self, _request: Empty, _context: grpc.ServicerContext) -> plugin.PluginInfo:
        return plugin.PluginInfo(version=VERSION)

    def CheckConfig(self, request: pb.CheckRequest, _context: grpc.ServicerContext) -> pb.CheckResponse:
        return pb.CheckResponse(inputs=request.news)

    def DiffConfig(self, _request: pb.DiffRequest, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "DiffConfig is not implemented")

    def Configure(self, _request: pb.ConfigureRequest, _context: grpc.ServicerContext) -> pb.ConfigureResponse:
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True)

    def Invoke(self, request: pb.InvokeRequest, context: grpc.ServicerContext) -> pb.InvokeResponse:
        """command:local:run, the one function that the provider has."""
        if request.tok != "command:local:run":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Invoke '{request.tok}' not found")
        inputs, failures = check(RUN, values.from_struct(request.args))
        if failures:
            return pb.InvokeResponse(failures=_told(failures))
        text = values.plain(inputs["command"])
        outputs = self._perform("", 0, context, lambda log, stop: self._operations.run_here(text, inputs, log, stop))
        _refuse_what_is_no_text(outputs, context)
        answer = pb.InvokeResponse()
        getattr(answer, "return").CopyFrom(values.to_struct({**inputs, **outputs}))  # a word of Python's
        return answer

    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> pb.CheckResponse:
        inputs, failures = check(_record(request.urn, context), values.from_struct(request.news))
        return pb.CheckResponse(
            inputs=values.to_struct(inputs),
            failures=_told(failures),
        )

    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        old, new = values.from_struct(request.old_inputs), values.from_struct(request.news)
        return diff(_record(request.urn, context), old, new)

    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> pb.ReadResponse:
        _record(request.urn, context)
        return pb.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> pb.CreateResponse:
        inputs = values.from_struct(request.properties)
        suffix = secrets.token_hex(4)
        if _record(request.urn, context) is not COPY_TO_REMOTE:
            state = {**inputs, "stdout": "", "stderr": ""}
            if request.preview:
                state |= {"stdout": UNKNOWN, "stderr": UNKNOWN}
            else:
                state |= self._run(request, context, state, "create")
            return pb.CreateResponse(id=_name(request.urn) + suffix, properties=_outputs(state))
        if request.preview:
            return pb.CreateResponse(properties=_outputs({**inputs, "source": UNKNOWN}))
        self._copy(request, context, inputs)
        return pb.CreateResponse(id=suffix, properties=_outputs(inputs))

    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> pb.UpdateResponse:
        old, new = values.from_struct(request.olds), values.from_struct(request.news)
        record = _record(request.urn, context)
        if record is not COPY_TO_REMOTE:
            state = {**new, "stdout": old.get("stdout", ""), "stderr": old.get("stderr", "")}
            if not request.preview:
                state |= self._run(request, context, state, "update" if "update" in new else "create")
            elif unsettles(record, old, new):
                state |= {"stdout": UNKNOWN, "stderr": UNKNOWN}
            return pb.UpdateResponse(properties=_outputs(state))
        if request.preview:
            return pb.UpdateResponse(properties=_outputs({**new, "source": UNKNOWN}))
        if copies(old, new):
            self._copy(request, context, new)
        return pb.UpdateResponse(properties=_outputs(new))

    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> Empty:
        if _record(request.urn, context) is not COPY_TO_REMOTE:
            self._run(request, context, values.from_struct(request.properties), "delete")
        return Empty()

    def _run(self, request: _Operation, context: grpc.ServicerContext, state: Properties, which: str) -> Properties:
        """The outputs of the text of that name; none where there is no such text."""
        text = values.plain(state.get(which))
        if text is None:
            return {}
        work = self._operations.run_here if _record(request.urn, context) is LOCAL_COMMAND else self._operations.run
        outputs = self._perform(request.urn, request.timeout, context, lambda log, stop: work(text, state, log, stop))
        if which != "delete":  # whose outputs go nowhere
            _refuse_what_is_no_text(outputs, context)
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

        async def interruptible() -> _Result:
            return await work(log, Interruption(instance.cancelled, timeout))

        future = asyncio.run_coroutine_threadsafe(interruptible(), self._loop)
        context.add_callback(future.cancel)
        try:
            return future.result()
        except OperationError as error:
            context.abort(error.code, str(error))
            raise
        except CancelledError:
            context.abort(grpc.StatusCode.CANCELLED, "the caller or the provider stopped")
            raise
        finally:
            log.deliver()


def _record(urn: str, context: grpc.ServicerContext) -> InputRecord:
    kind = urn.split("::")[2].split("$")[-1]
    if kind not in _RESOURCES:
        context.abort(grpc.StatusCode.NOT_FOUND, f"Resource type '{kind}' not found")
    return _RESOURCES[kind]


def _told(failures: list[Failure]) -> list[pb.CheckFailure]:
    return [pb.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]


def _refuse_what_is_no_text(outputs: Properties, context: grpc.ServicerContext) -> None:
    """The command has run by then; the provider's answer cannot be sent, so that its run fails."""
    try:
        "".join(outputs.values()).encode()
    except UnicodeEncodeError:
        message = "grpc: error while marshaling: string field contains invalid UTF-8"
        context.abort(grpc.StatusCode.INTERNAL, message)


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _outputs(state: Properties) -> struct_pb2.Struct:
    whole = {name: values.whole(value) for name, value in state.items()}
    connection = {"connection": values.secret(state["connection"])} if "connection" in state else {}
    return values.to_struct({**whole, **connection})
