"""Resource types whose things live in one collection of the cloud: most of them.

A property maps to the attribute of its name in snake_case, or to `Property.attribute`. What is special about
a type stays in its own file, in `body`, `state` and `refine`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from infra.cloud.collection import Collection, Thing
from infra.cloud.connection import Cloud
from infra.cloud.errors import Conflict, Unavailable
from infra.cloud.network import set_tags
from infra.provider import mark as marking
from infra.provider.resource import Context, NotOurs, Resource, State, kept


class CollectionResource(Resource):
    """`noun` is what messages call it. `marked_in`: where its API keeps a mark, in one request with the
    creation.

    - description: neutron, which takes no tags in the request that creates; found again by the service's
      filter. The program never sees it: it is taken off what is read.
    - project_tags: keystone projects; - attribute: other keystone things; both found again by their unique
      name.
    """

    noun: ClassVar[str]
    marked_in: ClassVar[Literal["description", "project_tags", "attribute"]]

    @abstractmethod
    def collection(self, cloud: Cloud) -> Collection:
        """Where its things live."""

    def alike_named(self, cloud: Cloud, inputs: State) -> Thing | None:
        """The thing that holds our name, for the APIs in which names are unique."""
        return None

    def body(self, cloud: Cloud, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes to send for these inputs."""
        return {
            item.key: inputs[item.name]
            for item in self.properties
            if item.name in inputs and not item.kept and item.name != "tags"
        }

    def state(self, cloud: Cloud, thing: Thing) -> State:
        """The properties of a thing as the cloud shows it."""
        shown = {
            item.name: thing[item.key]
            for item in self.properties
            if thing.get(item.key) is not None and not item.kept
        }
        if self.marked_in == "description":
            shown["description"] = marking.without_mark(thing.get("description") or "")
        if "tags" in thing and self.marked_in != "attribute":
            shown["tags"] = marking.visible(thing["tags"])
            if any(item.name == "allTags" for item in self.properties):
                shown["allTags"] = marking.visible(thing["tags"])
        return shown

    def refine(self, context: Context, thing: Thing, inputs: State) -> Thing:
        """What a create needs after the thing is there; must be safe to repeat."""
        return thing

    def create(self, context: Context, inputs: State) -> tuple[str, State]:
        cloud = context.cloud
        thing = self._marked(cloud, inputs, context.mark)
        taken_over = thing is not None
        if thing is None:
            thing, taken_over = self._make(context, inputs)
        if self.marked_in == "description" and inputs.get("tags"):
            set_tags(cloud, self.collection(cloud).path.strip("/"), str(thing["id"]), inputs["tags"])
            thing = {**thing, "tags": inputs["tags"]}
        thing = self.refine(context, thing, inputs)
        identity, state = str(thing["id"]), {**self.state(cloud, thing), **kept(self.properties, inputs)}
        if taken_over:
            stale = {item.name for item in self.differences(state, inputs) if not item.replaces}
            if stale:
                state = self.update(context, identity, state, inputs, stale)
        return identity, state

    def read(self, context: Context, identity: str, state: State) -> State | None:
        thing = self.collection(context.cloud).look(identity)
        if thing is None:
            return None
        return {**self.state(context.cloud, thing), **kept(self.properties, state)}

    def update(
        self, context: Context, identity: str, state: State, inputs: State, changed: set[str]
    ) -> State:
        cloud = context.cloud
        names = {item.name for item in self.properties}
        wanted = {name: inputs.get(name, self._cleared(name)) for name in changed & names}
        body = self.body(cloud, {**wanted, **self._companions(inputs, changed)})
        body.update(self._kept_mark(cloud, identity, inputs, changed))
        if body:
            self.collection(cloud).change(identity, body)
        if self.marked_in == "description" and "tags" in changed:
            set_tags(cloud, self.collection(cloud).path.strip("/"), identity, inputs.get("tags", []))
        after = self.collection(cloud).get(identity)
        return {**self.state(cloud, after), **kept(self.properties, inputs)}

    def delete(self, context: Context, identity: str, state: State) -> None:
        self.collection(context.cloud).remove(identity)

    def _kept_mark(self, cloud: Cloud, identity: str, inputs: State, changed: set[str]) -> dict[str, Any]:
        """The changed attribute that also holds the mark, with the mark."""
        if self.marked_in == "project_tags" and "tags" in changed:
            before = self.collection(cloud).get(identity)
            return {"tags": sorted([*inputs.get("tags", []), *marking.marks(before.get("tags", []))])}
        if self.marked_in == "description" and "description" in changed:
            before = self.collection(cloud).get(identity)
            mark = marking.mark_in(before.get("description") or "")
            return {"description": marking.with_mark(inputs.get("description", ""), mark)}
        return {}

    def _companions(self, inputs: State, changed: set[str]) -> State:
        """Further inputs that the API wants to see together with the changed ones."""
        return {}

    def _cleared(self, name: str) -> Any:
        item = next(item for item in self.properties if item.name == name)
        if item.default is not None:
            return item.default
        empty: dict[str, Any] = {"strings": [], "objects": [], "map": {}, "string": ""}
        return empty.get(item.kind)

    def _make(self, context: Context, inputs: State) -> tuple[Thing, bool]:
        """A new thing, or (True) the one that an interrupted create of the same mark left."""
        cloud = context.cloud
        try:
            return self.collection(cloud).create(self._marked_body(context, inputs)), False
        except Conflict:
            thing = self.alike_named(cloud, inputs)
            if thing is None:
                raise
            if not self._bears(thing, context.mark):
                raise NotOurs(
                    f"a {self.noun} named {inputs.get('name')} exists already (id {thing['id']}) and was not "
                    "made by this resource: import it, or choose another name"
                ) from None
            return thing, True
        except Unavailable:
            # The answer was lost, perhaps not the request: take what it made, if it made something.
            found = self._marked(cloud, inputs, context.mark) or self.alike_named(cloud, inputs)
            if found is None or not self._bears(found, context.mark):
                raise
            return found, True

    def _marked_body(self, context: Context, inputs: State) -> dict[str, Any]:
        body = self.body(context.cloud, inputs)
        if self.marked_in == "attribute":
            return {**body, marking.ATTRIBUTE: context.mark}
        if self.marked_in == "description":
            return {**body, "description": marking.with_mark(inputs.get("description", ""), context.mark)}
        return {**body, "tags": sorted([*inputs.get("tags", []), context.mark])}

    def _marked(self, cloud: Cloud, inputs: State, mark: str) -> Thing | None:
        if self.marked_in != "description":
            return None
        text = marking.with_mark(inputs.get("description", ""), mark)
        return next(iter(self.collection(cloud).list(description=text)), None)

    def _bears(self, thing: Thing, mark: str) -> bool:
        if self.marked_in == "attribute":
            return bool(thing.get(marking.ATTRIBUTE) == mark)
        if self.marked_in == "description":
            return marking.mark_in(thing.get("description") or "") == mark
        return mark in thing.get("tags", [])
