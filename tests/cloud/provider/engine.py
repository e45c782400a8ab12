"""Speaks to a provider process as Pulumi's engine does: the same requests, the same order, over gRPC."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra.provider.values import plain_map, secret_keys, wire_map

_OWN_CONNECTION = (
    "grpc.use_local_subchannel_pool",
    1,
)  # the provider tells engines apart by their connection
_NAMED = re.compile(r"\[[a-z0-9_]+\]$")


class Failed(Exception):
    """The provider refused an operation. `named`: with a sentence and a code, as a person is to see it."""

    def __init__(self, operation: str, said: str) -> None:
        super().__init__(f"{operation}: {said}")
        self.said = said
        self.named = bool(_NAMED.search(said)) and "Traceback" not in said


@dataclass(frozen=True)
class Thing:
    """A resource as the engine holds it in its state."""

    token: str
    urn: str
    identity: str
    state: Struct
    inputs: Struct

    @property
    def plain(self) -> dict[str, Any]:
        """Its properties without secrets' envelopes."""
        return plain_map(PropertyValue.unmarshal_map(self.state))


@dataclass(frozen=True)
class Difference:
    """What a diff said: the properties that differ, and those of them that force a replacement."""

    changes: list[str]
    replaces: list[str]
    some: bool


class ProviderProcess:
    """`python -m infra.provider.server`; no credentials in its environment but those in `environ`."""

    def __init__(self, patience: str, environ: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "infra.provider.server", "--until-stdin-closes"]
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environ or {})}
        self._process = subprocess.Popen(
            [*command, "--patience", patience], env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None  # PIPE above
        self.port = int(self._process.stdout.readline())

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._process.send_signal(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.terminate()
        self._process.wait(timeout=20)


class Incumbent:
    """The provider of `benchmarks/zone/incumbent`, which is attached to as to ours."""

    def __init__(self, executable: str, environ: Mapping[str, str] | None = None) -> None:
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environ or {})}
        self._process = subprocess.Popen([executable], env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None  # PIPE above
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Incumbent:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Engine:
    """One engine's connection to a provider that is configured for one cloud. Close it at the end."""

    port: int
    configuration: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        options = [*_GRPC_CHANNEL_OPTIONS, _OWN_CONNECTION]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        request = provider_pb2.ConfigureRequest(
            args=struct(dict(self.configuration)), acceptSecrets=True, acceptResources=True
        )
        self._call("Configure", request)

    def close(self) -> None:
        self._channel.close()

    def check(
        self, token: str, urn: str, inputs: Mapping[str, Any], before: Struct | None = None
    ) -> tuple[Struct, list[tuple[str, str]]]:
        """The inputs as the engine keeps them, and each (property path, reason) that is refused."""
        answer = self._call(
            "Check",
            provider_pb2.CheckRequest(
                urn=urn, type=token, name=urn.rpartition("::")[2], olds=before, news=struct(inputs),
                randomSeed=b"\1" * 32,
            ),
        )  # fmt: skip
        return answer.inputs, [(failure.property, failure.reason) for failure in answer.failures]

    def diff(self, thing: Thing, inputs: Struct) -> Difference:
        """Between what is known of the thing and these inputs."""
        answer = self._call(
            "Diff",
            provider_pb2.DiffRequest(
                id=thing.identity, urn=thing.urn, type=thing.token, olds=thing.state, news=inputs,
                old_inputs=thing.inputs,
            ),
        )  # fmt: skip
        some = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        return Difference(sorted(answer.diffs), sorted(answer.replaces), some)

    def create(self, token: str, urn: str, inputs: Struct) -> Thing:
        request = provider_pb2.CreateRequest(urn=urn, type=token, properties=inputs)
        answer = self._call("Create", request)
        if not answer.id:
            raise AssertionError(f"{token}: a create that answered without an id")
        return Thing(token, urn, answer.id, answer.properties, inputs)

    def read(self, thing: Thing) -> Thing | None:
        """A refresh: None when it is gone."""
        return self._read(thing, thing.identity)

    def bring_in(self, token: str, urn: str, identity: str) -> Thing | None:
        """An import by id."""
        return self._read(Thing(token, urn, "", Struct(), Struct()), identity)

    def update(self, thing: Thing, inputs: Struct) -> Thing:
        request = provider_pb2.UpdateRequest(
            id=thing.identity, urn=thing.urn, type=thing.token, olds=thing.state, news=inputs,
            old_inputs=thing.inputs,
        )  # fmt: skip
        answer = self._call("Update", request)
        return Thing(thing.token, thing.urn, thing.identity, answer.properties, inputs)

    def delete(self, thing: Thing) -> None:
        request = provider_pb2.DeleteRequest(
            id=thing.identity, urn=thing.urn, type=thing.token, properties=thing.state,
            old_inputs=thing.inputs,
        )  # fmt: skip
        self._call("Delete", request)

    def _read(self, thing: Thing, identity: str) -> Thing | None:
        request = provider_pb2.ReadRequest(
            id=identity, urn=thing.urn, type=thing.token, properties=thing.state, inputs=thing.inputs
        )
        answer = self._call("Read", request)
        if not answer.id:
            return None
        return Thing(thing.token, thing.urn, answer.id, answer.properties, answer.inputs)

    def _call(self, operation: str, request: Any) -> Any:
        try:
            return getattr(self._stub, operation)(request, timeout=900)
        except grpc.RpcError as failed:
            raise Failed(operation, str(failed.details())) from failed


def told(values: Struct) -> dict[str, Any]:
    """A struct as plain values."""
    return plain_map(PropertyValue.unmarshal_map(values))


def urn(token: str, name: str) -> str:
    """The URN of a resource in the tests' own stack."""
    return f"urn:pulumi:test::conformance::{token}::{name}"


def struct(values: Mapping[str, Any]) -> Struct:
    """Plain values as the engine sends them."""
    made: Struct = PropertyValue.marshal_map(wire_map(values))
    return made


def secrets_in(values: Struct) -> frozenset[str]:
    """The properties that travel in a secret's envelope."""
    return secret_keys(PropertyValue.unmarshal_map(values))
