"""What can go wrong with the depot."""

from __future__ import annotations

from infra.errors import InfraError, Problems


class DepotBroken(Problems):
    """Files of the depot are missing or altered; run `citycloud depot build`, which makes them again."""

    code = "depot_broken"


class DepotBusy(InfraError):
    """Another build of this depot is running; wait until it ends, then start again."""

    code = "depot_busy"


class DepotPartFailed(InfraError):
    """A part could not be made; what was there before is still in place. Cure the cause and build again."""

    code = "depot_part_failed"

    def __init__(self, part: str, cause: str) -> None:
        self.part = part
        super().__init__(f"depot part {part}: {cause}")
