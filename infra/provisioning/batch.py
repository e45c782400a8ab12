"""All requests of an agency that wait: begun together, made by one run of its stack, finished beside each
other. None of them waits for another one that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from infra.domain.blueprint import Wanted
from infra.domain.deployment import Deployment
from infra.errors import InfraError
from infra.provisioning.agency_run import AgencyRuns, Instead, RunEnd
from infra.provisioning.agency_stack import Outputs
from infra.provisioning.step import Steps
from infra.store.lease import Lease

GUESTS_AT_ONCE = 3
"""Requests of one agency whose servers are set up beside each other: each runs Ansible for a while."""


class NotYet(InfraError):
    """It could not be done now, and may be later; the worker comes back."""

    code = "not_yet"


@dataclass(frozen=True)
class Share:
    """What a request wants of a run, which its journal calls `step`: that its deployments stand, or (`leave`)
    that nothing is left of them. `finish` goes on with the outputs of what stands, `fail` with why it does
    not; both tell what the request wants of a further run, None for nothing, and raise NotYet or LeaseLost.
    `instead` takes the place of the deployments in a run that they must not stop.
    """

    request: str
    step: str
    deployments: Sequence[Deployment]
    finish: Callable[[Outputs], Share | None]
    fail: Callable[[InfraError], Share | None]
    leave: bool = False
    instead: Instead = field(default_factory=dict)

    def error(self, end: RunEnd) -> InfraError | None:
        return end.not_gone(self.deployments) if self.leave else end.not_made(self.deployments)


@dataclass
class Batch:
    """`done` hears of each request that wants nothing more. After `carry_out`, `waiting` is why others have
    to be tried again.
    """

    lease: Lease
    steps: Steps
    runs: AgencyRuns
    done: Callable[[str], None]
    waiting: list[NotYet] = field(default_factory=list)

    def carry_out(self, begins: Iterable[tuple[str, Callable[[], Share | None]]]) -> None:
        """Each request to its end, or until it has to wait. Raises LeaseLost."""
        begun = [self._goes_on(request, begin) for request, begin in begins]
        shares = [one for one in begun if one is not None]
        while shares:
            shares = self._each(shares, partial(self._ended, self._run(shares)))

    def _run(self, shares: Sequence[Share]) -> Mapping[str, RunEnd]:
        """By request, each with its step in its journal."""
        places = {one.request: self.steps.begin(self.lease, one.request, one.step) for one in shares}
        ends = self._tried(shares)
        for one in shares:
            error = one.error(ends[one.request])
            self.steps.end(self.lease, one.request, places[one.request], error)
        return ends

    def _tried(self, shares: Sequence[Share]) -> dict[str, RunEnd]:
        """A run mostly goes on beside what fails. Where it could not, what stopped it is put aside and the
        others are tried without.
        """
        ends: dict[str, RunEnd] = {}
        aside: dict[str, Wanted | None] = {}
        while True:
            end = self.runs.run(aside)
            ends |= {one.request: end for one in shares}
            guilty = [one for one in shares if end.blames(one.deployments)]
            held = [one for one in shares if one not in guilty and one.error(end) is not None]
            put_aside = {id_: other for one in guilty for id_, other in one.instead.items()}
            if not (held and put_aside):
                return ends
            aside |= put_aside
            shares = held

    def _ended(self, ends: Mapping[str, RunEnd], share: Share) -> Share | None:
        end = ends[share.request]
        error = share.error(end)
        act = partial(share.finish, end.outputs) if error is None else partial(share.fail, error)
        return self._goes_on(share.request, act)

    def _goes_on(self, request: str, act: Callable[[], Share | None]) -> Share | None:
        try:
            share = act()
        except NotYet as error:
            self.waiting.append(error)
            return None
        if share is None:
            self.done(request)
        return share

    def _each(self, shares: Sequence[Share], act: Callable[[Share], Share | None]) -> list[Share]:
        """What they want next. The first that died of something else is raised when all have ended."""
        if len(shares) == 1:
            found = [act(shares[0])]
        else:
            with ThreadPoolExecutor(GUESTS_AT_ONCE, thread_name_prefix="guest") as pool:
                found = [one.result() for one in [pool.submit(act, share) for share in shares]]
        return [one for one in found if one is not None]
