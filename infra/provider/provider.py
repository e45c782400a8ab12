"""The engine's requests, answered: from Pulumi's property values to the resource types and back.

Blocking calls to the cloud run in threads, so that the engine's parallel requests are served in parallel.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pulumi.provider.experimental import provider as engine
from pulumi.provider.experimental.property_value import PropertyValue

from infra.cloud.connection import Cloud
from infra.cloud.credentials import Credentials
from infra.cloud.waiting import Deadline
from infra.errors import InfraError
from infra.provider import configuration, functions
from infra.provider.property import Difference
from infra.provider.references import References
from infra.provider.registry import resource
from infra.provider.resource import Context, Resource, State
from infra.provider.values import UNKNOWN, plain_map, secret_keys, wire_map

T = TypeVar("T")
VERSION = "5.5.3"  # of the package pulumi_openstack whose types these are
_THREADS = 16
_KINDS = {
    ("add", False): engine.PropertyDiffKind.ADD,
    ("add", True): engine.PropertyDiffKind.ADD_REPLACE,
    ("delete", False): engine.PropertyDiffKind.DELETE,
    ("delete", True): engine.PropertyDiffKind.DELETE_REPLACE,
    ("update", False): engine.PropertyDiffKind.UPDATE,
    ("update", True): engine.PropertyDiffKind.UPDATE_REPLACE,
}


class NotConfigured(InfraError):
    """The provider's configuration is not known yet, so the cloud cannot be asked."""

    code = "not_configured"


class OpenStackProvider(engine.Provider):  # type: ignore[misc]  # pulumi is untyped to us
    """One configured provider. `connect` opens a cloud for credentials; equal credentials share one cloud."""

    def __init__(self, environ: Mapping[str, str], connect: Callable[[Credentials], Cloud]) -> None:
        self._environ = environ
        self._connect = connect
        self._cloud: Cloud | None = None
        self._references = References()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="openstack")

    async def get_schema(self, request: engine.GetSchemaRequest) -> engine.GetSchemaResponse:
        from infra.provider.schema import schema  # loads every type: only tools ask for it

        return engine.GetSchemaResponse(json.dumps(schema(VERSION)))

    async def check_config(self, request: engine.CheckRequest) -> engine.CheckResponse:
        failures = configuration.check(plain_map(request.new_inputs))
        marked = {
            name: value.with_secret(True) if name in configuration.SECRET else value
            for name, value in request.new_inputs.items()
        }
        return engine.CheckResponse(marked, [engine.CheckFailure(name, why) for name, why in failures])

    async def configure(self, request: engine.ConfigureRequest) -> engine.ConfigureResponse:
        given = plain_map(request.args)
        self._cloud = await self._run(lambda: configuration.opened(given, self._environ, self._connect))
        return engine.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: engine.CheckRequest) -> engine.CheckResponse:
        kind = resource(request.type)
        given = _named(kind, request)
        checked, failures = kind.check(plain_map(given))
        if not failures and self._cloud is not None:
            cloud, before = self._cloud.in_region(_region(checked)), plain_map(request.old_inputs)
            failures = await self._run(
                lambda: self._references.missing(cloud, kind.properties, checked, before)
            )
        answer = {name: _unchanged(given.get(name), value) for name, value in checked.items()}
        return engine.CheckResponse(answer, [engine.CheckFailure(name, why) for name, why in failures])

    async def diff(self, request: engine.DiffRequest) -> engine.DiffResponse:
        kind = resource(request.type)
        state, inputs = plain_map(request.old_state), plain_map(request.new_inputs)
        found = [
            item
            for item in await self._run(lambda: kind.differences(state, inputs))
            if item.name not in request.ignore_changes
        ]
        return _diff_response(found, kind.deletes_first)

    async def create(self, request: engine.CreateRequest) -> engine.CreateResponse:
        kind = resource(request.type)
        inputs = plain_map(request.properties)
        hidden = kind.secrets | secret_keys(request.properties)
        if request.preview:
            unknown = dict.fromkeys(kind.outputs, UNKNOWN)
            return engine.CreateResponse("", wire_map({**unknown, **inputs}, hidden))
        context = self._context(kind, inputs, request.timeout, kind.mark(request.urn, inputs))
        identity, state = await self._run(lambda: kind.create(context, inputs))
        self._references.made(identity)
        return engine.CreateResponse(identity, wire_map(_with_region(state, inputs), hidden))

    async def read(self, request: engine.ReadRequest) -> engine.ReadResponse:
        kind = resource(request.type)
        known, inputs = plain_map(request.properties), plain_map(request.inputs)
        hidden = kind.secrets | secret_keys(request.properties) | secret_keys(request.inputs)
        context = self._context(kind, known)
        state = await self._run(lambda: kind.read(context, request.resource_id, known))
        if state is None:
            return engine.ReadResponse("", {}, {})
        importable = kind.importable_inputs(state)
        told = {name: importable.get(name, inputs[name]) for name in inputs} if inputs else importable
        return engine.ReadResponse(
            kind.settled_id(request.resource_id),
            wire_map(_with_region(state, known), hidden),
            wire_map(told, hidden),
        )

    async def update(self, request: engine.UpdateRequest) -> engine.UpdateResponse:
        kind = resource(request.type)
        state, inputs = plain_map(request.olds), plain_map(request.news)
        hidden = kind.secrets | secret_keys(request.news)
        if request.preview:
            return engine.UpdateResponse(wire_map({**state, **inputs}, hidden))
        ignored = set(request.ignore_changes)
        changed = {item.name for item in kind.differences(state, inputs)} - ignored
        context = self._context(kind, state, request.timeout)
        after = await self._run(lambda: kind.update(context, request.resource_id, state, inputs, changed))
        return engine.UpdateResponse(wire_map(_with_region(after, inputs), hidden))

    async def delete(self, request: engine.DeleteRequest) -> None:
        kind = resource(request.type)
        state = plain_map(request.properties)
        context = self._context(kind, state, request.timeout)
        await self._run(lambda: kind.delete(context, request.resource_id, state))

    async def invoke(self, request: engine.InvokeRequest) -> engine.InvokeResponse:
        cloud = self._configured()
        answer = await self._run(lambda: functions.call(cloud, request.tok, plain_map(request.args)))
        return engine.InvokeResponse(wire_map(answer, functions.secrets(request.tok)))

    def _configured(self) -> Cloud:
        if self._cloud is None:
            raise NotConfigured(
                "the provider's configuration is not known yet: its project has to be made first"
            )
        return self._cloud

    def _context(self, kind: Resource, values: State, timeout: float = 0, mark: str = "") -> Context:
        """In the region that the resource's values name, else in the provider's own."""
        cloud = self._configured().in_region(_region(values))
        return Context(cloud, Deadline(timeout or kind.seconds), mark)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _named(kind: Resource, request: engine.CheckRequest) -> dict[str, PropertyValue]:
    """The inputs, named where the program does not: as before, or the URN's name and seven hex digits."""
    given = dict(request.new_inputs)
    wants = any(item.name == "name" for item in kind.properties)
    if wants and ("name" not in given or given["name"].value is None):
        seed = request.random_seed or secrets.token_bytes(8)
        fresh = PropertyValue(f"{request.name}-{seed.hex()[:7]}")
        given["name"] = request.old_inputs.get("name", fresh)
    return given


def _unchanged(given: PropertyValue | None, checked: Any) -> PropertyValue:
    """The checked value, with the secrets of the given one kept."""
    from infra.provider.values import plain, wire

    if given is not None and plain(given) == checked:
        return given
    return wire(checked, secret=given is not None and given.contains_secret())


def _region(values: State) -> str:
    region = values.get("region")
    return region if isinstance(region, str) else ""


def _with_region(state: State, known: State) -> State:
    region = _region(known)
    return {**state, "region": region} if region else state


def _diff_response(found: list[Difference], deletes_first: bool) -> engine.DiffResponse:
    return engine.DiffResponse(
        changes=bool(found),
        replaces=[item.name for item in found if item.replaces],
        delete_before_replace=deletes_first and any(item.replaces for item in found),
        diffs=[item.name for item in found],
        detailed_diff={
            item.name: engine.PropertyDiff(_KINDS[item.kind, item.replaces], input_diff=True)
            for item in found
        },
    )
