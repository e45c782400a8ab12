"""What Neutron's own things have in common: further attributes by name, deletes that wait for what is in use,
values that it writes in its own way, and values that it takes and does not keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from infra.cloud.collection import Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import CloudError, Conflict, Refused
from infra.cloud.waiting import Deadline
from infra.errors import InfraError
from infra.provider.address import canonical
from infra.provider.collection import CollectionResource
from infra.provider.property import Property, same
from infra.provider.resource import Context, State

T = TypeVar("T")
VALUE_SPECS = Property("valueSpecs", "map", replaces=True, kept=True)
TAGS = (Property("tags", "strings", unordered=True), Property("allTags", "strings", output=True))
IN_USE_SECONDS = 120.0
"""How long a delete waits for what is in use: longer than a server needs to let go of its ports."""
_UNEXPLAINED = 3
_SHOWN = 5


class NotTaken(InfraError):
    """The cloud accepted a value and does not keep it; leave it out, or have its operators switch the feature
    on.
    """

    code = "not_taken"


class NeutronResource(CollectionResource):
    """`rewritten`: properties whose addresses Neutron writes in its own way. `echoed`: properties that some
    clouds accept and drop, each with what such a cloud lacks.
    """

    marked_in = "description"
    seconds = IN_USE_SECONDS
    rewritten: ClassVar[frozenset[str]] = frozenset()
    echoed: ClassVar[Mapping[str, str]] = {}

    def holders(self, cloud: Cloud, identity: str) -> list[str]:
        """What keeps the thing from being deleted, in words."""
        return []

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """`valueSpecs` are not told by the cloud: where none are known, as after an import, they are taken
        to be as the program says."""
        if item.name == VALUE_SPECS.name:
            return not present
        return item.name in self.rewritten and same(item, canonical(present), canonical(wanted))

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(cloud, inputs)
        for item in self.properties:
            if item.refers and item.kind == "string" and body.get(item.key) == "":
                body[item.key] = None
                if item.replaces:
                    del body[item.key]
        return {**body, **inputs.get(VALUE_SPECS.name, {})}

    def state(self, cloud: Cloud, thing: Thing) -> State:
        shown = super().state(cloud, thing)
        if not any(item.name == "tags" for item in self.properties):
            shown.pop("tags", None)
        return shown

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        try:
            self._kept(self.state(context.cloud, thing), inputs)
        except NotTaken:
            self.collection(context.cloud).remove(str(thing["id"]))
            raise
        return thing

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        after = super().update(context, identity, state, inputs, changed)
        self._kept(after, {name: inputs[name] for name in changed if name in inputs})
        return after

    def delete(self, context: Context, identity: str, state: State) -> None:
        collection = self.collection(context.cloud)
        remove_when_free(
            context,
            f"{self.noun} {state.get('name') or identity}",
            lambda: collection.remove(identity),
            lambda: self.holders(context.cloud, identity),
        )

    def _kept(self, after: State, inputs: State) -> None:
        lost = [name for name in self.echoed if inputs.get(name) and not after.get(name)]
        if lost:
            why = "; ".join(f"{name} ({self.echoed[name]})" for name in lost)
            raise NotTaken(
                f"the cloud accepted these of the {self.noun} and does not keep them: {why}. Leave them out, "
                "or have its operators switch that on"
            )


def remove_when_free(
    context: Context, what: str, remove: Callable[[], None], holders: Callable[[], list[str]]
) -> None:
    """Remove it as soon as nothing uses it; raises WaitedTooLong with what does, or the cloud's refusal if
    nothing is found that does."""
    held: list[str] = []
    unexplained = 0

    def removed() -> bool | None:
        nonlocal unexplained
        try:
            remove()
        except (Conflict, Refused) as refusal:  # a subnet pool in use is refused with 400
            held[:] = holders()
            unexplained = 0 if held else unexplained + 1
            if unexplained and (isinstance(refusal, Refused) or unexplained == _UNEXPLAINED):
                raise
            return None
        return True

    context.deadline.wait(f"{what} to be in use no more", removed, lambda: f"held by {_listed(held)}")


def when_reachable(context: Context, seconds: float, what: str, reason: str, act: Callable[[], T]) -> T:
    """What `act` returns, which is tried again for `seconds` while the cloud refuses it with this reason: the
    router interface that it needs may be under way, for programs seldom say that they depend on it."""
    said = ""

    def acted() -> T | None:
        nonlocal said
        try:
            return act()
        except CloudError as refused:
            if reason not in str(refused):
                raise
            said = str(refused)
            return None

    whole = context.deadline
    deadline = Deadline(max(0.0, min(seconds, whole.left)), whole.clock, whole.pause)
    return deadline.wait(what, acted, lambda: f"refused: {said}")


def _listed(held: list[str]) -> str:
    more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
    return ", ".join(held[:_SHOWN]) + more if held else "something that is not told"
