"""The plugin `pulumi-resource-openstack`: the one door to Pulumi's provider protocol, and the provider's
entry point.

The engine starts one process per provider and speaks to it alone; the platform's own runs start one process
for many engines (PULUMI_DEBUG_PROVIDERS), which saves a start, an openstacksdk import and a login for each of
36 stacks. Every engine provider has its own connection, so one process keeps one configured provider per
connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from infra.cloud.connection import Cloud, connect
from infra.cloud.credentials import Credentials
from infra.cloud.errors import CredentialsMissing, CredentialsRefused, Unavailable
from infra.cloud.listing import Writes
from infra.cloud.service import Patience
from infra.errors import InfraError
from infra.provider.provider import VERSION, OpenStackProvider


class Clouds:
    """One cloud, hence one token, for equal credentials; what one writes, the others' listings heed."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._writes = Writes()
        self._lock = threading.Lock()
        self._clouds: dict[Credentials, Cloud] = {}

    def __call__(self, credentials: Credentials) -> Cloud:
        with self._lock:
            if credentials not in self._clouds:
                self._clouds[credentials] = connect(credentials, patience=self._patience, writes=self._writes)
            return self._clouds[credentials]


class OpenStackServicer(ProviderServicer):  # type: ignore[misc]  # pulumi is untyped to us
    """Answers many engines: a provider for each connection, and failures as a sentence instead of a
    traceback.
    """

    def __init__(self, environ: Mapping[str, str], clouds: Callable[[Credentials], Cloud]) -> None:
        super().__init__([], VERSION, OpenStackProvider(environ, clouds), engine_address="")
        self._environ = environ
        self._clouds = clouds
        self._providers: dict[str, ProviderServicer] = {}

    async def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802  (the protocol's name)
        """An engine that found us by PULUMI_DEBUG_PROVIDERS says hello."""
        return empty_pb2.Empty()

    async def serve(self, method: str, request: Any, context: Any) -> Any:
        """One request by the provider of its connection."""
        peer = context.peer()
        if peer not in self._providers:
            provider = OpenStackProvider(self._environ, self._clouds)
            self._providers[peer] = ProviderServicer([], VERSION, provider, engine_address="")
        try:
            return await getattr(self._providers[peer], method)(request, context)
        except InfraError as failed:
            await context.abort(_status(failed), f"{failed} [{failed.code}]")


def _served(method: str) -> Callable[..., Any]:
    async def answer(self: OpenStackServicer, request: Any, context: Any) -> Any:
        return await self.serve(method, request, context)

    answer.__name__ = method
    return answer


for _method in (
    "GetSchema", "CheckConfig", "DiffConfig", "Configure", "Invoke", "Check", "Diff", "Create", "Read",
    "Update", "Delete",
):  # fmt: skip
    setattr(OpenStackServicer, _method, _served(_method))


def _status(failed: InfraError) -> grpc.StatusCode:
    if isinstance(failed, CredentialsMissing | CredentialsRefused):
        return grpc.StatusCode.UNAUTHENTICATED
    return (
        grpc.StatusCode.UNAVAILABLE
        if isinstance(failed, Unavailable)
        else grpc.StatusCode.FAILED_PRECONDITION
    )


async def _serve(environ: Mapping[str, str], clouds: Callable[[Credentials], Cloud]) -> None:
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(OpenStackServicer(environ, clouds), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


def _end_with_stdin() -> None:
    """End as soon as whoever started us is gone, however it went."""
    sys.stdin.read()
    os._exit(0)


def _patience(arguments: Sequence[str]) -> Patience:
    if "--patience" not in arguments:
        return Patience()
    attempts, *seconds = arguments[arguments.index("--patience") + 1].split(",")
    return Patience(int(attempts), *map(float, seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until killed; the port goes to standard output, as the engine expects. Arguments are the engine's
    address and its logging flags, of which we need none, and ours: `--until-stdin-closes`, and
    `--patience ATTEMPTS,CALL,FIRST,LONGEST` (see `Patience`).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--help" in given or "--version" in given:
        print(f"pulumi-resource-openstack {VERSION}: a Pulumi provider plugin, started by the Pulumi engine")
        return
    logging.getLogger("keystoneauth").addHandler(
        logging.NullHandler()
    )  # its failures reach the engine by name
    if "--until-stdin-closes" in given:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        asyncio.run(_serve(os.environ, Clouds(_patience(given))))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
