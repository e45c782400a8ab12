"""The adopted part of an agency's landing zone: what was made by hand and then taken into the code.

`watch` comes before the program's own resources: it puts adopted values in the place of theirs. `declare`
comes after them: it declares the adopted resources, which hang on all of the program's own and so go first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pulumi import CustomResource, Resource, ResourceOptions, runtime
from pulumi_openstack import Provider

from infra.domain.adopted import REFERENCE, Adopted, AdoptedResource

IN_OUR_PROJECT = frozenset({"Instance", "Volume", "ServerGroup", "VolumeAttach", "InterfaceAttach"})
"""Types whose things are made in the project of the token: they need a provider of the project's own."""


def needs_project(adopted: Adopted) -> bool:
    return any(_in_our_project(one) for one in adopted.resources)


@dataclass
class Declared:
    """The program's own resources so far, by `type::name`."""

    adopted: Adopted
    resources: dict[str, Resource] = field(default_factory=dict)

    def watch(self) -> Declared:
        runtime.register_stack_transformation(self._note)
        return self

    def declare(self, scoped: Provider | None) -> None:
        own = list(self.resources.values())
        for one in self.adopted.resources:
            opts = ResourceOptions(
                import_=one.id or None, depends_on=own, provider=scoped if _in_our_project(one) else None,
                version=version("pulumi_openstack"),
            )  # fmt: skip
            CustomResource(one.type, one.name, self._resolved(one.inputs), opts)

    def _note(self, args: Any) -> Any:
        if not args.type_.startswith("pulumi:"):
            self.resources[f"{args.type_}::{args.name}"] = args.resource
        for override in self.adopted.properties:
            if (override.type, override.name) == (args.type_, args.name):
                given = args.props if isinstance(args.props, dict) else vars(args.props)
                given.update({_python_name(name): value for name, value in override.values.items()})
        return None

    def _resolved(self, value: Any) -> Any:
        """References become the ids of what they name."""
        if isinstance(value, Mapping):
            if set(value) == {REFERENCE}:
                return self._named(value[REFERENCE]).id
            return {key: self._resolved(item) for key, item in value.items()}
        return [self._resolved(item) for item in value] if isinstance(value, list) else value

    def _named(self, reference: str) -> Resource:
        if reference not in self.resources:
            raise LookupError(f"adopted.yaml refers to {reference}, which this landing zone does not declare")
        return self.resources[reference]


def _in_our_project(one: AdoptedResource) -> bool:
    return one.scoped and one.type.rpartition(":")[2] in IN_OUR_PROJECT


def _python_name(name: str) -> str:
    """As the package's classes call it: `remoteIpPrefix` is `remote_ip_prefix`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
