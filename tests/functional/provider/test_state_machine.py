"""Any order of changes, troubles, kills, imports and hands in the cloud: the provider against a simple model.

The model is the program itself: after an undisturbed refresh and up the cloud holds what the program says,
once each, and nothing else; at any moment nothing is there twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fakes.openstack import FakeOpenStack
from tests.functional.provider.small_engine import TROUBLES, Declared, SmallEngine, Trouble

NAMES = ("one", "two")
TEXTS = strategies.sampled_from(("", "text", "other text"))
TROUBLE = strategies.one_of(
    strategies.none(),
    strategies.builds(Trouble, strategies.sampled_from(TROUBLES), strategies.integers(1, 9)),
)
_NETWORK = "openstack:networking/"
_KINDS = {  # of the program's resources: where the fake keeps them, and by what they are counted
    "network": ("networks", "name"),
    "subnet": ("subnets", "cidr"),
    "group": ("security-groups", "name"),
    "rule": ("security-group-rules", "port_range_min"),
    "port": ("ports", "name"),
    "flavor": ("flavors", "name"),
    "people": ("groups", "name"),
}


def described(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "description": text}


def declared(kind: str, name: str, text: str, number: int) -> Declared:
    """A resource of the program; `text` changes in place, `number` replaces where something does."""
    on = f"{name} network", f"{name} group", f"{name} subnet"
    match kind:
        case "network":
            return Declared(_NETWORK + "network:Network", lambda ids: described(name, text))
        case "subnet":
            cidr = f"10.{number}.{NAMES.index(name)}.0/24"
            return Declared(_NETWORK + "subnet:Subnet",
                            lambda ids: {**described(name, text), "networkId": ids[on[0]],
                                         "cidr": cidr})  # fmt: skip
        case "group":
            return Declared(_NETWORK + "secGroup:SecGroup", lambda ids: described(name, text))
        case "rule":
            port = 80 + number * 10 + NAMES.index(name)
            return Declared(_NETWORK + "secGroupRule:SecGroupRule", lambda ids: {
                "securityGroupId": ids[on[1]], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
                "portRangeMin": port, "portRangeMax": port, "remoteIpPrefix": "10.0.0.0/8",
            })  # fmt: skip
        case "port":
            return Declared(_NETWORK + "port:Port", lambda ids: {
                **described(name, text), "networkId": ids[on[0]], "securityGroupIds": [ids[on[1]]],
                "fixedIps": [{"subnetId": ids[on[2]]}],  # else Neutron takes one from it all the same
            })  # fmt: skip
        case "flavor":
            return Declared("openstack:compute/flavor:Flavor", lambda ids: {
                "name": name, "vcpus": number, "ram": 128, "disk": 1, "extraSpecs": {"text": text or "none"}
            })  # fmt: skip
        case _:
            return Declared("openstack:identity/groupV3:GroupV3", lambda ids: described(name, text))


class Machine(RuleBasedStateMachine):
    """The order of `_KINDS` is the order of dependence: a subnet stands on the network of its name."""

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeOpenStack()
        self.engine = SmallEngine(self.fake)
        self.chosen: dict[tuple[str, str], tuple[str, int]] = {}
        self.by_hand = False

    @rule(
        kind=strategies.sampled_from([*_KINDS]), name=strategies.sampled_from(NAMES), text=TEXTS,
        number=strategies.integers(1, 3),
    )  # fmt: skip
    def declare(self, kind: str, name: str, text: str, number: int) -> None:
        needed = {"subnet": ["network"], "rule": ["group"], "port": ["network", "subnet", "group"]}
        for other in needed.get(kind, []):
            self.chosen.setdefault((other, name), (text, number))
        self.chosen[kind, name] = (text, number)
        self._write_program()

    @precondition(lambda self: self.chosen)
    @rule(data=strategies.data())
    def drop(self, data: Any) -> None:
        kind, name = data.draw(strategies.sampled_from(sorted(self.chosen)))
        leaning = {"network": ["subnet", "port"], "subnet": ["port"], "group": ["rule", "port"]}
        for gone in [kind, *leaning.get(kind, [])]:
            self.chosen.pop((gone, name), None)
        self._write_program()

    @rule(trouble=TROUBLE)
    def up(self, trouble: Trouble | None) -> None:
        if self.by_hand:
            self.refresh(None)
        if trouble is None:
            self.engine.up()
        else:
            with self.engine.in_trouble(trouble):
                self.engine.up()

    @rule(trouble=TROUBLE)
    def refresh(self, trouble: Trouble | None) -> None:
        with self.engine.in_trouble(trouble):
            self.engine.refresh()
            self.by_hand = False

    @precondition(lambda self: self.engine.state)
    @rule(data=strategies.data(), gone=strategies.booleans())
    def a_hand_in_the_cloud(self, data: Any, gone: bool) -> None:
        """Something that we made is renamed or deleted by somebody else."""
        name = data.draw(strategies.sampled_from(sorted(self.engine.state)))
        kind, identity = name.split()[1], self.engine.state[name].identity
        service = {"flavor": "compute", "people": "identity"}.get(kind, "network")
        path = f"/{_KINDS[kind][0]}/{identity}"
        if gone or kind in ("rule", "flavor", "subnet"):
            self.fake.handle(service, "DELETE", path, {}, None)  # refused while something stands on it
        else:
            key = {"people": "group", "group": "security_group"}.get(kind, kind)
            body = {key: {"description": "by hand"}}
            self.fake.handle(service, "PATCH" if service == "identity" else "PUT", path, {}, body)
        self.engine.time_passes()
        self.by_hand = True

    @precondition(lambda self: any(name not in self.engine.state for name in self.engine.program))
    @rule(data=strategies.data(), trouble=TROUBLE)
    def bring_in(self, data: Any, trouble: Trouble | None) -> None:
        """A thing that somebody made is imported as one of the program's that is not there yet."""
        missing = [
            name for name in self.engine.program
            if name not in self.engine.state and name.split()[1] in ("network", "group", "people")
        ]  # fmt: skip
        if not missing:
            return
        name = data.draw(strategies.sampled_from(missing))
        kind, called = name.split()[1], name.split()[0]
        held = self.fake.kind(_KINDS[kind][0]).values()
        there = [one["id"] for one in held if one["name"] == called]
        if not there:
            service = "identity" if kind == "people" else "network"
            key = {"people": "group", "group": "security_group"}.get(kind, kind)
            path, body = f"/{_KINDS[kind][0]}", {key: {"name": called, "description": "foreign"}}
            status, answer = self.fake.handle(service, "POST", path, {}, body)
            assert status == 201
            there = [answer[key]["id"]]
        with self.engine.in_trouble(trouble):
            self.engine.bring_in(name, there[0])
        if name not in self.engine.state and self.engine.in_trouble is not None:
            self.engine.bring_in(name, there[0])

    @rule()
    def settle(self) -> None:
        """The one promise: undisturbed, the cloud becomes what the program says, and stays so."""
        self.engine.refresh()
        self.by_hand = False
        self.engine.up()
        assert self.engine.up() == 0
        self.engine.refresh()
        assert self.engine.up() == 0
        assert self._found() == self._wanted()

    @invariant()
    def nothing_is_there_twice(self) -> None:
        twice = {what: count for what, count in self._found().items() if count > 1}
        assert not twice, twice

    def teardown(self) -> None:
        self.settle()
        self.chosen.clear()
        self._write_program()
        self.settle()
        assert self.fake.residue() == {}
        self.engine.close()

    def _write_program(self) -> None:
        ordered = [(kind, name) for kind in _KINDS for name in NAMES if (kind, name) in self.chosen]
        self.engine.program = {
            f"{name} {kind}": declared(kind, name, *self.chosen[kind, name]) for kind, name in ordered
        }

    def _wanted(self) -> Counter[str]:
        wanted: Counter[str] = Counter()
        for (kind, name), (_, number) in self.chosen.items():
            value: Any = name
            if kind == "subnet":
                value = f"10.{number}.{NAMES.index(name)}.0/24"
            if kind == "rule":
                value = 80 + number * 10 + NAMES.index(name)
            wanted[f"{kind} {value}"] += 1
        return wanted

    def _found(self) -> Counter[str]:
        """What stands, but for the rules that the cloud adds to each group by itself."""
        return Counter(
            f"{kind} {thing[key]}"
            for kind, (collection, key) in _KINDS.items()
            for thing in self.fake.kind(collection).values()
            if kind != "rule" or thing["direction"] == "ingress"
        )


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=200, stateful_step_count=25, deadline=None, derandomize=True, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
