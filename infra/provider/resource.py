"""What every resource type does: the protocol between the engine's requests and the cloud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from infra.cloud.connection import Cloud
from infra.cloud.waiting import Deadline
from infra.errors import InfraError
from infra.provider.mark import mark_of
from infra.provider.property import Difference, Failure, Property, check, differences
from infra.provider.values import holds_unknown

State = dict[str, Any]
REGION = Property("region", replaces=True, chosen_by_cloud=True, kept=True)


class NotOurs(InfraError):
    """Something of this name exists already and was not made by this resource; import it or choose another
    name.
    """

    code = "not_ours"


class ImportRefused(InfraError):
    """The id given to import is not one of this type."""

    code = "import_refused"


@dataclass
class Context:
    """What one operation works with. `mark` is "" where nothing is created."""

    cloud: Cloud
    deadline: Deadline = field(default_factory=lambda: Deadline(600))
    mark: str = ""


class Resource(ABC):
    """One resource type. `properties` are those served; `unsupported` those that the official type also has
    and that cannot work, each with the reason and the way out.

    State is a plain dictionary by property name; `create`, `read` and `update` return it as the cloud has it.
    `alternatives` are pairs of inputs of which a program gives one; an import writes down the first.
    `seconds` is how long each operation may take if the program sets no custom timeout. `deletes_first`: a
    replacement cannot be made beside what it replaces (a unique name, one port for one server); where it can,
    what uses the old one moves to the new one before the old one goes.
    """

    type_name: ClassVar[str]
    properties: ClassVar[tuple[Property, ...]]
    unsupported: ClassVar[Mapping[str, str]] = {}
    alternatives: ClassVar[tuple[tuple[str, str], ...]] = ()
    seconds: ClassVar[float] = 600.0
    deletes_first: ClassVar[bool] = True

    def check(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
        """Inputs with defaults, and each thing that is wrong with them, by property path."""
        refused = [(name, why) for name, why in self.unsupported.items() if name in inputs]
        supported = {name: value for name, value in inputs.items() if name not in self.unsupported}
        checked, failures = check(self.properties, supported)
        if not failures:
            failures = list(self.examine(checked))
        return checked, refused + failures

    def examine(self, inputs: Mapping[str, Any]) -> Iterable[Failure]:
        """What is wrong between properties; called only when each for itself is right."""
        return ()

    def differences(self, state: State, inputs: Mapping[str, Any]) -> list[Difference]:
        """What differs between the cloud's state and the inputs."""

        def alike(item: Property, present: Any, wanted: Any) -> bool:
            return self.alike(item, present, wanted, state)

        return list(differences(self.properties, state, inputs, alike))

    def alike(self, item: Property, present: Any, wanted: Any, state: State) -> bool:
        """Whether two values that are not equal mean the same for this type."""
        return False

    def mark(self, urn: str, inputs: Mapping[str, Any]) -> str:
        """The mark of the thing that a create for this URN with these inputs makes."""
        identity = {
            item.name: inputs[item.name]
            for item in self.properties
            if item.replaces and item.name in inputs and not holds_unknown(inputs[item.name])
        }
        return mark_of(urn, identity)

    @property
    def secrets(self) -> frozenset[str]:
        """The properties that are always secret."""
        return frozenset(item.name for item in self.properties if item.secret)

    @property
    def outputs(self) -> frozenset[str]:
        """The properties that the cloud may set: unknown in a preview of a create."""
        return frozenset(item.name for item in self.properties if item.output or item.chosen_by_cloud)

    @abstractmethod
    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        """Make it, or take over what an earlier, interrupted create of the same mark made; (id, state)."""

    @abstractmethod
    def read(self, context: Context, identity: str, state: State) -> State | None:
        """Its state in the cloud, None when it is gone. `state` is what we knew, {} for an import."""

    def settled_id(self, identity: str) -> str:
        """The id in the state of what was imported by this one."""
        return identity

    @abstractmethod
    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        """Change the properties in `changed` in place."""

    @abstractmethod
    def delete(self, context: Context, identity: str, state: State) -> None:
        """Remove it and wait until it is gone; that it is gone already is success."""

    def importable_inputs(self, state: State) -> State:
        """The inputs that would make this state: what an import writes down."""
        chosen = {
            item.name: state[item.name]
            for item in self.properties
            if not item.output and item.name in state and state[item.name] not in (None, "", [], {})
        }
        doubled = {second for first, second in self.alternatives if first in chosen}
        return {
            name: value
            for name, value in chosen.items()
            if value != self._default(name) and name not in doubled
        }

    def _default(self, name: str) -> Any:
        return next(item.default for item in self.properties if item.name == name)


def kept(properties: Iterable[Property], known: Mapping[str, Any]) -> State:
    """The values that the cloud does not tell, out of inputs or an earlier state."""
    return {item.name: known[item.name] for item in properties if item.kept and item.name in known}
