"""What a resource type's conformance is tested with, and the ground in a cloud that its cases stand on.

A type's cases are data in `<module>_cases.py`; `harness` runs each against the provider as the engine does.
`Ground` needs no particular cloud: live tests give it a site's, functional tests the fake behind HTTP, unit
tests `fake_ground()`.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.cloud.connection import Cloud
from infra.provider.registry import resource
from infra.provider.resource import Context
from infra.provisioning.drift_order import rank
from tests.fakes.openstack import FakeCloud, FakeOpenStack

Inputs = dict[str, Any]
State = Mapping[str, Any]


class Maker(Protocol):
    """Makes and removes resources as the engine would."""

    def create(self, token: str, inputs: Inputs) -> tuple[str, dict[str, Any]]: ...

    def delete(self, token: str, identity: str, state: State) -> None: ...


@dataclass
class Facts:
    """What a cloud has before the first case: the tests' own project, domain and user, and what all share."""

    project_id: str
    domain_id: str
    user_id: str
    external_network: Mapping[str, str]
    image_id: str
    flavor_id: str
    hypervisor: str


@dataclass
class Ground:
    """Where cases find what they need. What is made here is removed by `clear`, last first.

    `cloud` is an administrator's, scoped to the project `admin`. Safe to share between threads.
    """

    cloud: Cloud
    facts: Facts
    maker: Maker
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    _made: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    _shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    _locks: dict[str, threading.RLock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    def name(self, prefix: str) -> str:
        """A name that nothing else has: `case-<run>-<prefix>-<number>`."""
        with self._lock:
            self._count += 1
            return f"case-{self.run}-{prefix}-{self._count}"

    def make(self, token: str, inputs: Inputs) -> dict[str, Any]:
        """A resource made through the provider: its state and its `id`."""
        identity, state = self.maker.create(token, inputs)
        with self._lock:
            self._made.append((token, identity, state))
        return {**state, "id": identity}

    def once(self, key: str, token: str, inputs: Inputs) -> dict[str, Any]:
        """The same, made by the first who asks for `key` and shared by all."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.RLock())
        with lock:
            if key not in self._shared:
                self._shared[key] = self.make(token, inputs)
            return self._shared[key]

    def clear(self, workers: int = 1) -> list[str]:
        """Remove what was made, kind by kind, what hangs on others first; what could not be removed, each
        with its reason."""
        left: list[str] = []

        def remove(token: str, identity: str, state: dict[str, Any]) -> None:
            try:
                self.maker.delete(token, identity, state)
            except Exception as failed:  # noqa: BLE001, RUF100  (the others are to be removed all the same)
                left.append(f"{token} {identity}: {failed}")

        last_first = self._made[::-1]
        made = sorted(last_first, key=lambda one: rank(one[0]), reverse=True)
        for _, same in itertools.groupby(made, key=lambda one: one[0]):
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda one: remove(*one), same))
        self._made.clear()
        self._shared.clear()
        return left

    @property
    def project_id(self) -> str:
        """A project of the tests' own."""
        return self.facts.project_id

    @property
    def domain_id(self) -> str:
        return self.facts.domain_id

    @property
    def user_id(self) -> str:
        return self.facts.user_id

    @property
    def external_network(self) -> Mapping[str, str]:
        """`id` and `name` of the network that floating addresses come from."""
        return self.facts.external_network

    @property
    def image_id(self) -> str:
        """An image that boots as a small guest."""
        return self.facts.image_id

    @property
    def flavor_id(self) -> str:
        """The smallest flavor that the image boots with."""
        return self.facts.flavor_id

    @property
    def hypervisor(self) -> str:
        """The host name of a hypervisor."""
        return self.facts.hypervisor


def _itself(identity: str, state: State) -> str:
    return identity


@dataclass(frozen=True)
class Case:
    """One conformance case of a type.

    `update` gives inputs that are changed in place (None: the API changes nothing in place), `replace` inputs
    that must be a replacement (None: nothing replaces), `by_hand` changes the thing behind the provider's
    back so that a read and a diff must see it. `untold` are inputs that the cloud never tells (passwords),
    hence not compared after an import. `slow` takes minutes, and goes first. `label` tells several cases of
    one type apart; `not_applicable` says per column of the table (create, read, update, delete, diff, import,
    fault, kill) why it is empty. `stays`: a delete sets the thing back instead of removing it (quotas): a
    read finds it.
    """

    token: str
    inputs: Callable[[Ground], Inputs]
    update: Callable[[Ground, Inputs], Inputs] | None = None
    replace: Callable[[Ground, Inputs], Inputs] | None = None
    by_hand: Callable[[Ground, str, State], object] | None = None
    import_id: Callable[[str, State], str] = _itself
    untold: tuple[str, ...] = ()
    slow: bool = False
    label: str = ""
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    stays: bool = False

    @property
    def name(self) -> str:
        """The token, and the label if there is one."""
        return f"{self.token} ({self.label})" if self.label else self.token


class Direct:
    """Makes things by the resource types themselves, without a provider process: for unit tests."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._count = 0

    def create(self, token: str, inputs: Inputs) -> tuple[str, dict[str, Any]]:
        kind = resource(token)
        checked, failures = kind.check(inputs)
        assert not failures, f"{token}: {failures}"
        self._count += 1
        context = Context(self._cloud, mark=kind.mark(f"urn:direct:{self._count}", checked))
        return kind.create(context, checked)

    def delete(self, token: str, identity: str, state: State) -> None:
        resource(token).delete(Context(self._cloud), identity, dict(state))


def fake_facts(fake: FakeOpenStack) -> Facts:
    """What `Facts` says, put into a fake cloud."""
    fake.kind("projects")["case-domain"] = {
        "id": "case-domain", "name": "case-domain", "is_domain": True, "enabled": True, "domain_id": None,
        "tags": [],
    }  # fmt: skip
    fake.kind("projects")["case-project"] = {
        "id": "case-project", "name": "case-project", "is_domain": False, "enabled": True,
        "domain_id": "case-domain", "parent_id": "case-domain", "tags": [],
    }  # fmt: skip
    fake.kind("users")["case-user"] = {
        "id": "case-user", "name": "case-user", "enabled": True, "domain_id": "case-domain"
    }  # fmt: skip
    fake.kind("images")["case-image"] = {
        "id": "case-image", "name": "case-image", "status": "active", "tags": [], "visibility": "public",
        "min_disk": 0, "min_ram": 0, "disk_format": "raw", "container_format": "bare", "size": 1,
        "owner": fake.project_id, "protected": False,
    }  # fmt: skip
    fake.kind("flavors")["case-flavor"] = {
        "id": "case-flavor", "name": "case-flavor", "vcpus": 1, "ram": 128, "disk": 1, "extra_specs": {},
        "swap": 0, "rxtx_factor": 1.0, "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": True,
        "description": None,
    }  # fmt: skip
    _, made = fake.handle(
        "network", "POST", "/networks", {}, {"network": {"name": "case-external", "router:external": True}}
    )
    external = {"id": str(made["network"]["id"]), "name": "case-external"}
    fake.handle(
        "network", "POST", "/subnets", {},
        {"subnet": {"network_id": external["id"], "cidr": "172.30.2.0/24", "ip_version": 4}},
    )  # fmt: skip
    return Facts(
        "case-project", "case-domain", "case-user", external, "case-image", "case-flavor", "hv1.example"
    )


def fake_ground(fake: FakeOpenStack | None = None) -> Ground:
    """A ground in a cloud in memory, without a socket; its `.cloud.fake` is the fake."""
    cloud = FakeCloud(fake or FakeOpenStack())
    return Ground(cloud, fake_facts(cloud.fake), Direct(cloud))
