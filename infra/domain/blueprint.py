"""Blueprint: what a stack is told of one deployment that it realises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.domain.deployment import Deployment, DeploymentState

DEPLOYMENT_KEY = "citycloud_deployment"
"""A server's metadata that names its deployment's id."""
MANAGER = "citycloud"
"""The account in a guest by which the city's worker sets it up; its owner's is the image's."""


@dataclass(frozen=True)
class Wanted:
    """`values` are those of the request, checked, as text; `on` whether its servers are to run; `kind` is
    the blueprint's name without its version.
    """

    id: str
    name: str
    item: str
    kind: str
    values: Mapping[str, str]
    on: bool

    @classmethod
    def of(cls, deployment: Deployment) -> Wanted:
        on = deployment.state != DeploymentState.SUSPENDED and deployment.power == "on"
        kind = deployment.blueprint.partition("/")[0]
        return cls(deployment.id, deployment.name, deployment.item, kind, dict(deployment.values), on)

    def value(self, name: str, otherwise: str = "") -> str:
        return self.values.get(name) or otherwise

    def switched(self, name: str) -> bool:
        return self.values.get(name) == "true"
