"""Deployment: what a fulfilled request brought to life, and the steps in which its life ends.

The end of a life is a ladder: notices 30, 14, 7 and 1 days before, then it is stopped and locked, then kept
as an archive, then deleted. Nothing is stopped that was not told of a day before, and a legal hold keeps what
it is set on from being archived or deleted. Which step is due is a pure function of what stands and the day,
so a worker that was away catches up without skipping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from infra.domain.opening import Opening
from infra.errors import InfraError


class DeploymentState(StrEnum):
    PROVISIONING = "provisioning"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RETIRING = "retiring"
    RETIRED = "retired"
    FAILED = "failed"


class DeploymentEvent(StrEnum):
    ACTIVATE = "activate"
    FAIL = "fail"
    SUSPEND = "suspend"
    RESUME = "resume"
    RETIRE = "retire"
    GONE = "gone"
    RETRY = "retry"


USUAL_DAYS = 365
"""How long what is renewed lives whose item the catalog has no more."""
_S, _E = DeploymentState, DeploymentEvent
TRANSITIONS: Mapping[tuple[DeploymentState, DeploymentEvent], DeploymentState] = {
    (_S.PROVISIONING, _E.ACTIVATE): _S.ACTIVE,
    (_S.PROVISIONING, _E.FAIL): _S.FAILED,
    (_S.ACTIVE, _E.SUSPEND): _S.SUSPENDED,
    (_S.SUSPENDED, _E.RESUME): _S.ACTIVE,
    (_S.ACTIVE, _E.RETIRE): _S.RETIRING,
    (_S.SUSPENDED, _E.RETIRE): _S.RETIRING,
    (_S.FAILED, _E.RETIRE): _S.RETIRING,
    (_S.FAILED, _E.RETRY): _S.PROVISIONING,
    (_S.RETIRING, _E.GONE): _S.RETIRED,
}
"""FAILED keeps its quota until what was made is gone: rolled back (RETIRE, GONE), or made after all
(RETRY)."""


class DeploymentRefused(InfraError):
    """The deployment's state does not allow this; look at it again and do what its state allows."""

    code = "deployment_refused"


def next_state(state: DeploymentState, event: DeploymentEvent) -> DeploymentState:
    """Raises DeploymentRefused."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        allowed = ", ".join(sorted(one for (at, one) in TRANSITIONS if at == state)) or "nothing"
        raise DeploymentRefused(f"a deployment that is {state} cannot {event}; it allows {allowed}") from None


@dataclass(frozen=True)
class Deployment:
    """A deployment as it is kept. `expires` is the last day of use. `noticed` is the number of days before
    the end of the closest notice that was given for this end, `noticed_on` its day; `archived` the day on
    which the archive was made. `values` are those of the request, by parameter; `outputs` what
    the blueprint told of what it made (address, user, commands); `power` is on or off, as the owner wants it.
    `openings` are those that its people added; `rebuilt` names the last rebuild whose disk it has.
    """

    id: str
    name: str
    agency: str
    owner: str
    request: str
    item: str
    blueprint: str
    values: Mapping[str, str]
    state: DeploymentState
    version: int
    created: datetime
    outputs: Mapping[str, str] = field(default_factory=dict)
    power: str = "on"
    reboots: int = 0
    expires: date | None = None
    noticed: int | None = None
    noticed_on: date | None = None
    suspended_on: date | None = None
    archived: date | None = None
    legal_hold: bool = False
    openings: tuple[Opening, ...] = ()
    rebuilt: str = ""

    @property
    def kind(self) -> str:
        """Its blueprint's name, without the version."""
        return self.blueprint.partition("/")[0]

    @property
    def has_server(self) -> bool:
        return bool(self.outputs.get("server_id"))


UNJUSTIFIED_DAYS = 7
"""What an emergency made that was found not justified lives this long after that."""


def curtailed(one: Deployment, today: date) -> date | None:
    """The end that a deployment gets whose emergency was found not justified; None where it keeps its own:
    it is on legal hold, ends earlier anyway, or its life is over or ending already.
    """
    living = one.state in (DeploymentState.PROVISIONING, DeploymentState.ACTIVE)
    end = today + timedelta(days=UNJUSTIFIED_DAYS)
    if one.legal_hold or not living or (one.expires is not None and one.expires <= end):
        return None
    return end


class StepKind(StrEnum):
    NOTICE = "notice"
    SUSPEND = "suspend"
    ARCHIVE = "archive"
    RETIRE = "retire"


@dataclass(frozen=True)
class LadderStep:
    """What is due; `days_left` of a notice, 0 or less where the last day has passed."""

    kind: StepKind
    days_left: int = 0
    threshold: int = 0


@dataclass(frozen=True)
class Ladder:
    """Days: notices before the end, and how long what was suspended waits for its archive and its deletion
    after that.
    """

    notices: tuple[int, ...] = (30, 14, 7, 1)
    archive_after: int = 14
    delete_after: int = 90

    def due(self, deployment: Deployment, today: date) -> LadderStep | None:
        """The one step that is due, if any; after it was taken, ask again."""
        if deployment.state == DeploymentState.SUSPENDED:
            return self._after_suspension(deployment, today)
        if deployment.state != DeploymentState.ACTIVE or deployment.expires is None:
            return None
        left = (deployment.expires - today).days
        reached = [one for one in self.notices if left <= one]
        closest = min(reached, default=None)
        if closest is not None and (deployment.noticed is None or closest < deployment.noticed):
            return LadderStep(StepKind.NOTICE, left, closest)
        told = deployment.noticed_on
        if left < 0 and told is not None and told < today:
            return LadderStep(StepKind.SUSPEND, left)
        return None

    def _after_suspension(self, deployment: Deployment, today: date) -> LadderStep | None:
        if deployment.suspended_on is None or deployment.legal_hold:
            return None
        if deployment.archived is None:
            if today >= deployment.suspended_on + timedelta(days=self.archive_after):
                return LadderStep(StepKind.ARCHIVE)
            return None
        if today >= deployment.archived + timedelta(days=self.delete_after):
            return LadderStep(StepKind.RETIRE)
        return None
