"""What a program asks for, found out without an engine: for stacks of which nothing exists yet.

An engine's preview of such a stack would say "create" of everything, and takes a second of two cores; the
program alone, run against the monitor below, takes 30 ms. It is what policies are checked on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2, provider_pb2, resource_pb2
from pulumi.runtime.proto.resource_pb2_grpc import (
    ResourceMonitorServicer,
    add_ResourceMonitorServicer_to_server,
)

from infra.domain.plan import UNKNOWN, WantedResource, concealed
from infra.errors import InfraError
from infra.provisioning.stack_state import HIDDEN, revealed

_STACK_REFERENCE = "pulumi:pulumi:StackReference"


class ProgramStopped(InfraError):
    """A stack's program stopped before it had said what it asks for."""

    code = "program_stopped"


def read_program(
    program: Callable[[], None], project: str, stack: str, outputs: Callable[[str], Mapping[str, Any]]
) -> list[WantedResource]:
    """Every resource that the program asks for, in its order. `outputs` gives those of another stack, by the
    name that the program refers to it with. Raises ProgramStopped.
    """
    monitor = _Monitor(project, stack, outputs)
    server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="monitor"))
    add_ResourceMonitorServicer_to_server(monitor, server)
    log = _Log()
    engine_pb2_grpc.add_EngineServicer_to_server(log, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        request = language_pb2.RunRequest(
            project=project, stack=stack, organization="organization", monitor_address=address,
            args=[address], dryRun=True, parallel=4,
        )  # fmt: skip
        answer = LanguageServer(program).Run(request, None)
    finally:
        server.stop(1.0)
    if answer.error:
        lines = [line for line in answer.error.splitlines() if line.strip()]
        raise ProgramStopped("; ".join(log.errors) or f"{lines[0]} ({lines[-1].strip()})")
    return monitor.wanted


class _Log(engine_pb2_grpc.EngineServicer):
    """Takes a program's log; what it says in passing is for debugging."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802  (the protocol's names)
        if request.severity == engine_pb2.ERROR and "Traceback" not in request.message:
            self.errors.append(" ".join(request.message.split()))
        return empty_pb2.Empty()


class _Monitor(ResourceMonitorServicer):
    """The engine's side of a program, which remembers what it is asked for and knows no result."""

    def __init__(self, project: str, stack: str, outputs: Callable[[str], Mapping[str, Any]]) -> None:
        self._project = project
        self._stack = stack
        self._outputs = outputs
        self.wanted: list[WantedResource] = []

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        known = [
            resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
            resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
        ]
        return resource_pb2.DeploymentInfo(supportedFeatures=known)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        urn = self._urn(request.type, request.name)
        if request.custom and not request.type.startswith("pulumi:"):
            inputs = concealed(revealed(json_format.MessageToDict(request.object)))
            self.wanted.append(WantedResource(urn, request.type, request.name, inputs))
        return resource_pb2.RegisterResourceResponse(urn=urn, id="", object=request.object)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        told = struct_pb2.Struct()
        if request.type == _STACK_REFERENCE:
            told.update(
                {"name": request.id, "outputs": _given(self._outputs(request.id)), "secretOutputNames": []}
            )
        return resource_pb2.ReadResourceResponse(urn=self._urn(request.type, request.name), properties=told)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.InvokeResponse()

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.RegisterPackageResponse(ref="")

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def _urn(self, kind: str, name: str) -> str:
        return f"urn:pulumi:{self._stack}::{self._project}::{kind}::{name}"


def _given(outputs: Any) -> Any:
    """Another stack's outputs as a program gets them here: secrets are not decrypted, so they are unknown."""
    if isinstance(outputs, Mapping):
        return {name: _given(value) for name, value in outputs.items()}
    if isinstance(outputs, list):
        return [_given(value) for value in outputs]
    return UNKNOWN if outputs is HIDDEN else outputs
