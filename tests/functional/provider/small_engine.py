"""Pulumi's engine in small, in one process: a program, a state, and runs that may be cut off anywhere.

It does what the engine does to a provider: check and diff everything, replace deletes first, write each
success down before the next step, forget what was begun and not finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pulumi.provider.experimental import provider as engine
from pulumi.provider.experimental.property_value import PropertyValue

from infra.cloud.errors import CloudError, Unavailable
from infra.cloud.listing import SECONDS, Listings, Writes
from infra.cloud.service import failure
from infra.provider.provider import OpenStackProvider
from infra.provider.values import plain_map, wire_map
from tests.fakes.openstack import FakeCloud, FakeOpenStack, FakeService

Properties = dict[str, PropertyValue]
DELETE_SECONDS = 1  # nothing else is under way here: what holds a thing now will hold it for ever
TROUBLES = ("refused", "lost", "409", "500", "503", "killed before", "killed after")


class Killed(BaseException):
    """The provider's process ends here: nothing catches it."""


@dataclass
class Trouble:
    """What happens to the `call`-th call from now (counted from 1), once."""

    kind: str
    call: int


class TroubledService(FakeService):
    """The fake's service; one call may go wrong."""

    def __init__(self, cloud: TroubledCloud, name: str) -> None:
        super().__init__(cloud.fake, name, cloud.listings)
        self._cloud = cloud

    def request(self, method: str, path: str, **options: Any) -> Any:
        kind, said = self._cloud.next_trouble(), f"{method} {path}"
        if kind == "killed before":
            raise Killed(said)
        if kind == "refused":
            raise Unavailable(f"{said}: connection refused")
        if kind.isdigit():
            raise failure(said, int(kind), "trouble")
        answer = super().request(method, path, **options)
        if kind == "killed after":
            raise Killed(said)
        if kind == "lost":
            raise Unavailable(f"{said}: the answer was lost")
        return answer


class TroubledCloud(FakeCloud):
    """A cloud in memory to which trouble comes when it is told to."""

    def __init__(self, fake: FakeOpenStack) -> None:
        super().__init__(fake)
        self.now = 0.0
        self.listings = Listings(Writes(), lambda: self.now)
        self.trouble: Trouble | None = None

    def service(self, name: str) -> Any:
        return TroubledService(self, name)

    def next_trouble(self) -> str:
        if self.trouble is None:
            return ""
        self.trouble.call -= 1
        if self.trouble.call:
            return ""
        kind, self.trouble = self.trouble.kind, None
        return kind


@dataclass
class Declared:
    """A resource in the program. `inputs` gets the ids of what stands in the state, by name."""

    token: str
    inputs: Callable[[Mapping[str, str]], dict[str, Any]]


@dataclass
class Recorded:
    """A resource in the state."""

    token: str
    identity: str
    state: Properties
    inputs: Properties


@dataclass
class SmallEngine:
    """`program` in order of dependence; `state` is what runs have recorded."""

    fake: FakeOpenStack
    program: dict[str, Declared] = field(default_factory=dict)
    state: dict[str, Recorded] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        self._start()

    def time_passes(self) -> None:
        """So much that no listing of before is believed any more."""
        self._cloud.now += SECONDS

    def close(self) -> None:
        self._provider._threads.shutdown()
        self._loop.close()

    def up(self) -> int:
        """Make the cloud what the program says; how many steps it took. A failure ends the run."""
        steps = 0
        for name, declared in self.program.items():
            steps += self._one_up(name, declared)
        for name in [name for name in reversed(self.state) if name not in self.program]:
            self._delete(name)
            steps += 1
        return steps

    def refresh(self) -> None:
        """Read the cloud into the state."""
        for name, known in [*self.state.items()]:
            answer = self._ask("read", engine.ReadRequest(
                self._urn(name, known.token), known.identity, known.state, known.inputs
            ))  # fmt: skip
            if answer.resource_id:
                known.state = answer.properties
            else:
                del self.state[name]

    def bring_in(self, name: str, identity: str) -> bool:
        """Import what stands under this id as the resource of this name; whether it was there."""
        token = self.program[name].token
        answer = self._ask("read", engine.ReadRequest(self._urn(name, token), identity, {}, {}))
        if answer.resource_id:
            self.state[name] = Recorded(token, answer.resource_id, answer.properties, answer.inputs)
        return bool(answer.resource_id)

    @contextmanager
    def in_trouble(self, trouble: Trouble | None) -> Iterator[None]:
        """What goes wrong inside ends the run; after a kill the provider is another."""
        self._cloud.trouble = trouble
        try:
            yield
        except Killed:
            self._start()
        except CloudError:
            pass  # what the cloud says when it is in trouble is what it may say
        finally:
            self._cloud.trouble = None

    def _start(self) -> None:
        self._cloud = TroubledCloud(self.fake)
        environ = {"OS_AUTH_URL": "http://fake/v3", "OS_USERNAME": "admin", "OS_PASSWORD": "x"}
        self._provider = OpenStackProvider(environ, lambda credentials: self._cloud)
        self._ask("configure", engine.ConfigureRequest({}, {}, True, True))

    def _one_up(self, name: str, declared: Declared) -> int:
        urn, known = self._urn(name, declared.token), self.state.get(name)
        wanted = declared.inputs({other: one.identity for other, one in self.state.items()})
        before = known.inputs if known else {}
        answer = self._ask("check", engine.CheckRequest(urn, before, wire_map(wanted), b"seed"))
        assert not answer.failures, [(one.property, one.reason) for one in answer.failures]
        if known is None:
            self._create(name, declared.token, answer.inputs)
            return 1
        found = self._ask("diff", engine.DiffRequest(urn, known.identity, known.state, answer.inputs, []))
        if not found.changes:
            known.inputs = answer.inputs
            return 0
        if found.replaces:
            self._delete(name)
            self._create(name, declared.token, answer.inputs)
        else:
            after = self._ask("update", engine.UpdateRequest(
                urn, known.identity, known.state, answer.inputs, 0, [], False
            ))  # fmt: skip
            known.state, known.inputs = after.properties, answer.inputs
        return 1

    def _create(self, name: str, token: str, inputs: Properties) -> None:
        made = self._ask("create", engine.CreateRequest(self._urn(name, token), inputs, 0, False))
        self.state[name] = Recorded(token, made.resource_id, made.properties, inputs)

    def _delete(self, name: str) -> None:
        """What stands on it goes first, as the engine replaces what depends on a replaced thing."""
        for other in [*self.state]:
            if other != name and self.state[name].identity in str(plain_map(self.state[other].inputs)):
                self._delete(other)
        known = self.state[name]
        urn = self._urn(name, known.token)
        self._ask("delete", engine.DeleteRequest(urn, known.identity, known.state, DELETE_SECONDS))
        del self.state[name]

    def _ask(self, method: str, request: Any) -> Any:
        return self._loop.run_until_complete(getattr(self._provider, method)(request))

    def _urn(self, name: str, token: str) -> str:
        return f"urn:pulumi:small::machine::{token}::{name}"
