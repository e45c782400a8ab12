"""What a stack's state says is there: plain values, read without an engine where a file holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Pulumi's own mark of a special value in a state, and the one of a secret; both are part of its file format.
_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  (a mark, no secret)
STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:"


class Hidden:
    """Stands where a state holds a secret, which is never decrypted; equal to nothing but itself."""

    def __repr__(self) -> str:
        return "[secret]"


HIDDEN: Final = Hidden()


@dataclass(frozen=True)
class StateResource:
    """One resource of a stack's state. `id` is the cloud's ("" for what has none), `provider` the reference
    `urn::id` of its provider. `imported`: no up has run since it was imported. `protected`: Pulumi refuses to
    delete it. `external`: looked up, not managed.
    """

    urn: str
    type: str
    name: str
    id: str
    inputs: Mapping[str, Any] = field(hash=False)
    outputs: Mapping[str, Any] = field(hash=False)
    provider: str = ""
    imported: bool = False
    protected: bool = False
    parent: str = ""
    external: bool = False

    @property
    def managed(self) -> bool:
        """Whether it stands for a thing in the cloud that this stack made or took over."""
        return bool(self.id) and not self.external and not self.type.startswith("pulumi:")


def resources_of(deployment: Mapping[str, Any], *, left_over: bool = False) -> tuple[StateResource, ...]:
    """The resources of a deployment, as `pulumi stack export` and checkpoint files hold it. `left_over`: also
    those that were replaced and still wait for their removal.
    """
    found = (one for one in deployment.get("resources") or () if left_over or not one.get("delete"))
    return tuple(_resource(one) for one in found)


def revealed(value: Any) -> Any:
    """A value of a state as plain data; secrets become HIDDEN, files keep their hash only."""
    if isinstance(value, Mapping):
        if value.get(_MARK) == _SECRET:
            return HIDDEN
        return {str(key): revealed(item) for key, item in value.items() if key != _MARK}
    if isinstance(value, list):
        return [revealed(item) for item in value]
    return value


def _resource(told: Mapping[str, Any]) -> StateResource:
    urn = str(told["urn"])
    return StateResource(
        urn=urn,
        type=str(told["type"]),
        name=urn.rpartition("::")[2],
        id=str(told.get("id", "")),
        inputs=revealed(told.get("inputs") or {}),
        outputs=revealed(told.get("outputs") or {}),
        provider=str(told.get("provider", "")),
        imported=bool(told.get("importID")),
        protected=bool(told.get("protect")),
        parent=str(told.get("parent", "")),
        external=bool(told.get("external")),
    )
