"""What somebody orders to be done with one deployment, over the portal's API."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click
from rich.text import Text

from infra.cli.portal_client import Portal
from infra.cli.portal_view import (
    Row,
    found_deployment,
    key_option,
    portal_options,
    show,
    standing,
    version_option,
)
from infra.domain.words import Words
from infra.portal.language import Reader

deployment_argument = click.argument("name_", metavar="DEPLOYMENT")
yes_option = click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")


@dataclass(frozen=True)
class Order:
    """`found` is the deployment as it was read; `version` None for the one that was read."""

    portal: Portal
    say: Reader
    output: str
    found: Row
    version: int | None
    key: str

    @property
    def name(self) -> str:
        return str(self.found["summary"]["name"])

    def confirm(self, question: Words, *parts: str, yes: bool) -> None:
        """Ask whether it is meant, unless that was said. Raises click.Abort for no."""
        if not yes:
            click.confirm(self.say.words(question).format(*parts), abort=True, err=True)

    def send(self, action: str, values: Mapping[str, str] | None = None) -> None:
        """Have it done, and show the deployment afterwards."""
        id_ = str(self.found["summary"]["id"])
        body = {"action": action, "version": self.version or self.found["version"], "values": values or {}}
        self.portal.change("deployments", id_, "actions", body=body, key=self.key)
        after = self.portal.read("deployments", id_)
        line = Text.assemble(f"{self.name}  ", standing(self.say, after["summary"]), f"  {action}")
        show(self.output, after, line)


def ordering(function: Callable[..., None]) -> Callable[..., None]:
    """DEPLOYMENT, --version, --key and the portal's options; the command gets an Order, and its own."""

    @functools.wraps(function)
    def called(
        *, portal: Portal, say: Reader, output: str, name_: str, version: int | None, key: str, **own: Any
    ) -> None:
        found = found_deployment(portal, name_)
        function(Order(portal, say, output, found, version, key), **own)

    made: Callable[..., None] = key_option(version_option(portal_options(called)))
    return made
