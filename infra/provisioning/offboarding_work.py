"""What all steps of one off-boarding work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from infra.cloud.connection import Cloud
from infra.cloud.image_data import ImageData
from infra.cloud.waiting import Deadline
from infra.domain.estate import Estate
from infra.provisioning.export import ExportFolder
from infra.provisioning.offboarding_case import Case


class Zone(Protocol):
    """The agency's stack."""

    def owned(self) -> set[str]:
        """The cloud's ids of what the stack has made; empty when there is no stack."""

    def destroy(self) -> None:
        """Remove the stack with all that it has made; nothing to do when there is none."""


class Portal(Protocol):
    """What the agency has in the portal. Each may be asked again."""

    def read(self, agency: str) -> Estate:
        """What there is now."""

    def close(self, agency: str) -> None:
        """Nobody of it comes in, nothing more is made for it; `reopen` takes it back."""

    def end(self, agency: str) -> None:
        """All of it ends. Nothing of it stands in the cloud any more."""

    def reopen(self, agency: str) -> None:
        """People come in again."""


@dataclass
class Work:
    """`portal` is None where the site has none. `save` puts the case on disk; `deadline` begins a wait for
    one thing; `say` tells who waits.
    """

    cloud: Cloud
    data: ImageData
    zone: Zone
    case: Case
    folder: ExportFolder
    save: Callable[[], None]
    say: Callable[[str], None]
    deadline: Callable[[], Deadline]
    portal: Portal | None = None
