"""Tries to log in to new guests while the landing zones are still being built.

Only so is "seconds from request to SSH" the guest's own time and not that of whatever else the run was doing.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from infra.errors import InfraError
from infra.provisioning.guest import Compute, Guest, GuestRoll

INTERVAL_SECONDS = 2.0  # four API calls a look
AT_ONCE = 8


class GuestWatch:
    """`with GuestWatch(compute, roll): ...`; must be entered in the lab's network, which its thread inherits.

    It only records successes. What fails is left to the verification that follows, which says so.
    """

    def __init__(self, compute: Compute, roll: GuestRoll) -> None:
        self._compute = compute
        self._roll = roll
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="guest watch", daemon=True)

    def __enter__(self) -> GuestWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> bool:
        """One look at every guest without a record; returns whether none is left."""
        try:
            guests = [guest for guest in self._compute.guests() if self._roll.record(guest) is None]
        except InfraError:
            return False  # the cloud is busy or the zones are not there yet: the next look comes soon
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return all(list(pool.map(self._try, guests)))

    def _try(self, guest: Guest) -> bool:
        try:
            return bool(guest.address) and self._roll.reach(guest, watched=True) is not None
        except InfraError:
            return False

    def _watch(self) -> None:
        while not self.look() and not self._stop.wait(INTERVAL_SECONDS):
            pass
