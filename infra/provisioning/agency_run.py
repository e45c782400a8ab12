"""What one run of an agency's stack came to, for each of its deployments; and the runs of a worker's turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from infra.domain.blueprint import Wanted
from infra.domain.deployment import Deployment
from infra.errors import InfraError
from infra.provisioning.agency_stack import DeploymentsNotMade, Outputs

Instead = Mapping[str, Wanted | None]
"""Deployment's id -> what a run makes in its place, None for nothing."""


@dataclass(frozen=True)
class RunEnd:
    """`outputs` are those of what stands whole; `error` is None where everything does."""

    outputs: Outputs
    error: InfraError | None = None

    def blames(self, deployments: Sequence[Deployment]) -> bool:
        """Whether one of these is why the run failed."""
        return isinstance(self.error, DeploymentsNotMade) and bool(self.error.of(_names(deployments)))

    def not_made(self, deployments: Sequence[Deployment]) -> InfraError | None:
        """Why these do not all stand; None if they do, whatever else failed."""
        if not isinstance(self.error, DeploymentsNotMade):
            return self.error
        own = self.error.of(_names(deployments))
        if own:
            return DeploymentsNotMade(own)
        return None if all(self.outputs.get(one.id) for one in deployments) else self.error

    def not_gone(self, deployments: Sequence[Deployment]) -> InfraError | None:
        """Why something of these is there still; None if it is not, whatever else failed."""
        if not isinstance(self.error, DeploymentsNotMade):
            return self.error
        names = _names(deployments)
        if self.error.left is not None and not any(self.error.leaves(name) for name in names):
            return None
        own = self.error.of(names)
        return DeploymentsNotMade(own) if own else self.error


@dataclass
class AgencyRuns:
    """Those of one turn. What failed in it, or was made last, is not tried again in it: its end is told."""

    up: Callable[[Sequence[Wanted]], Outputs]
    wanted: Callable[[], Sequence[Wanted]]
    applied: Callable[[str], None]
    """Gets the digest of what was wanted and stands now."""
    _ends: dict[str, RunEnd] = field(default_factory=dict, init=False)

    def run(self, instead: Instead | None = None) -> RunEnd:
        """Make what is wanted now stand. Errors of the cloud and of the run are in what it returns."""
        wanted = list(self.wanted())
        if instead:
            places = [instead.get(one.id, one) for one in wanted]
            wanted = [one for one in places if one is not None]
        digest = digest_of(wanted)
        end = self._ends.get(digest) or self._run(wanted)
        if end.error is None and not instead:
            self.applied(digest)
        failed = {tried: other for tried, other in self._ends.items() if other.error is not None}
        self._ends = {**failed, digest: end}
        return end

    def _run(self, wanted: Sequence[Wanted]) -> RunEnd:
        try:
            return RunEnd(self.up(wanted))
        except DeploymentsNotMade as error:
            return RunEnd(error.made, error)
        except InfraError as error:
            return RunEnd({}, error)


def digest_of(wanted: Iterable[Wanted]) -> str:
    told = json.dumps(
        [asdict(one) for one in sorted(wanted, key=lambda one: one.id)], sort_keys=True, default=dict
    )
    return hashlib.sha256(told.encode()).hexdigest()


def _names(deployments: Sequence[Deployment]) -> list[str]:
    return [one.name for one in deployments]
